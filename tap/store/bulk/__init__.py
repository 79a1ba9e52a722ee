"""Import and export: prompts as NDJSON, many at a time, in flat memory.

`lines` is one line; `importing` cuts a file into `chunks`, has them written by `writer` and remembers in a
`checkpoint` how far it came; `exporting` reads the table in parallel segments.
"""
