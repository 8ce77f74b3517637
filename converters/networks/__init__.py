"""The networks of the zoo as ``paddle.nn`` modules, one file a building block.

Every module here imports paddle at its top, because its classes derive from paddle's. Import them inside
a function, or in a worker process: a worker may run under an interpreter that has paddle and nothing
else, so at run time the modules need only paddle, and a spec is anything with the attributes of
`registry.schema.architecture`. The exception is `measured`, which answers questions about size without paddle.
"""
