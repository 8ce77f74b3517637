"""The networks of the zoo as ``paddle.nn`` modules, one building block per file.

Every module here imports paddle at the top, because its classes derive from paddle's. Import them inside a
function, or in a worker process. A worker may run under an interpreter that has paddle and nothing else: the
modules need only paddle at run time, and an architecture is any object with the attributes of
`registry.schema.architecture`. The exception is `measured`, which gives sizes without paddle.
"""
