"""What runs in the kernel: the verbs, their magics, and how they are shown. An IPython extension.

Loading it registers the magics and what has to happen to cells for them; the verbs themselves, with everything they
need, are imported when the first of them is used.
"""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from . import cells, complete, magics, names
from .masked import rewriting


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%load_ext jupyter_securecollab` and in kernels that our server starts; doing both is fine."""
    transformers = shell.input_transformer_manager
    if cells.share_cell in transformers.cleanup_transforms:
        return
    magics.register(shell)
    transformers.cleanup_transforms.extend((cells.share_cell, rewriting.mask_cell))
    shell.ast_transformers.append(rewriting.MaskedCells(shell))
    transformers.token_transformers.append(cells.AskingLine)
    prefilter: Any = shell.prefilter_manager
    cells.NoAutomagic(  # type: ignore[no-untyped-call]  # IPython has no types for it; it registers itself
        shell=shell, prefilter_manager=prefilter, parent=prefilter
    )
    shell.Completer.custom_matchers.append(complete.Matcher(shell.user_ns).complete)
    shell.events.register("pre_run_cell", names.fetch_unless_known)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%unload_ext`: everything as it was before."""
    transformers = shell.input_transformer_manager
    if cells.share_cell not in transformers.cleanup_transforms:
        return
    magics.unregister(shell)
    shell.events.unregister("pre_run_cell", names.fetch_unless_known)
    for transform in (cells.share_cell, rewriting.mask_cell):
        transformers.cleanup_transforms.remove(transform)
    ours = [one for one in shell.ast_transformers if isinstance(one, rewriting.MaskedCells)]
    for one in ours:
        shell.ast_transformers.remove(one)
    transformers.token_transformers.remove(cells.AskingLine)
    prefilter: Any = shell.prefilter_manager
    for checker in [one for one in prefilter.checkers if isinstance(one, cells.NoAutomagic)]:
        prefilter.unregister_checker(checker)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [
        matcher for matcher in matchers if not isinstance(getattr(matcher, "__self__", None), complete.Matcher)
    ]
