"""`%%mask`: a cell that works on masked copies, and whose output is searched for clear values (docs/adr/0014).

`rewriting` turns the cell into the body of a `with` statement; `running` is what that statement enters. Before the
cell runs `following` reads its code and refuses, `standins` makes the copies; while it runs `watching` refuses what
would bring in or let out data; what it shows is `held` until `known` has found no clear value in it.

A convenience inside the kernel, not a control: who wants to can undo it.
"""
