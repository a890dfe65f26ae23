"""What is remembered: tables, and functions over them that speak the values of `model`. Shell.

Every function takes `tx` first and runs inside `with store.read() as tx:` or `with store.write() as tx:`; rows never
leave this package. Work is shared by leases: a claim writes a token and until when it holds, every settle names the
token and changes nothing when somebody else has claimed meanwhile.
"""
