"""One page about models: what they score, how long they take, whether formats agree, where they came from.

result      everything the page says, as values: the page is a pure rendering of them
collecting  measures and gathers it
artifacts   what a file is and how it was made
samples     images with what was found drawn on them
machine     what everything ran on
protocols   the conditions of an accuracy figure, in words
scales      ticks of an axis
charts      plots, as positions on a canvas
page        values become HTML
"""
