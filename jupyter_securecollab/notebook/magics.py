"""The magics: read the line, call the verb, show what it returns. No verb's work is done here.

Verbs are looked up in the package by name, which loads them when the first magic runs: loading this extension into
every kernel stays cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand
from IPython.display import display

import jupyter_securecollab as collab

from ..errors import Invalid
from ..model import clip
from .display import Report
from .language import MAGICS, MASKED_CELL
from .masked.rewriting import not_rewritten
from .parse import HELP, Parsed, parse

_PATH_STARTS = ("./", "../", "/", "~")


def register(shell: InteractiveShell) -> None:
    """Make every magic of the language known to this shell."""
    for name in MAGICS:
        shell.magics_manager.register_function(_magic(shell, name), "line", name)
    not_rewritten.__doc__ = MASKED_CELL.help()
    shell.magics_manager.register_function(not_rewritten, "cell", "mask")


def unregister(shell: InteractiveShell) -> None:
    """Forget them again."""
    for name in MAGICS:
        del shell.magics_manager.magics["line"][name]
    del shell.magics_manager.magics["cell"]["mask"]


def _magic(shell: InteractiveShell, name: str) -> Callable[[str], Any]:
    def magic(line: str) -> Any:
        parsed = parse(line, MAGICS[name], shell.user_ns)
        if parsed.has(HELP.name):
            print(MAGICS[name].help())
            return None
        return _CALLS[name](parsed, shell.user_ns)

    magic.__doc__ = MAGICS[name].help()
    return no_var_expand(magic)


def _shown(value: object) -> None:
    display(value)  # type: ignore[no-untyped-call]  # IPython has no types for it


def _vault(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    _shown(collab.vault(parsed.subject))


def _classify(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    if parsed.subject is None:
        if parsed.has("set") or parsed.has("accept") or not (parsed.has("forget") or parsed.has("remembered")):
            raise Invalid("%classify needs X", next_step="%classify --help shows how it is written.")
        _shown(collab.remembered(forget=parsed.many("forget")))
        return
    if parsed.has("remembered"):
        raise Invalid("what is remembered is listed by itself", next_step="%classify --remembered")
    _shown(
        collab.classify(
            _variable(parsed.subject, variables),
            set=parsed.pairs("set"),
            accept=parsed.has("accept"),
            forget=parsed.many("forget"),
            full=parsed.has("full"),
        )
    )


def _mask(parsed: Parsed, variables: Mapping[str, Any]) -> Any:
    only_shown = parsed.has("preview") or parsed.has("explain")
    made = collab.mask(
        None if parsed.subject is None else _variable(parsed.subject, variables),
        up_to=parsed.one("up-to"),
        mask=parsed.pairs("mask"),
        plan=parsed.one("plan"),
        preview=parsed.has("preview"),
        explain=parsed.has("explain"),
        k=_whole(parsed, "k", "Write a whole number, such as 5."),
    )
    if only_shown:
        return _shown(made)
    from .masking import changed  # loaded by now, and not before

    _shown(Report(f"{parsed.subject} is unchanged; this is a masked copy of it", changed(made)))
    return made


def _share(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    subject = parsed.subject or ""
    x = _subject(subject, variables, new=parsed.has("as"))
    name = parsed.one("as")
    if name is None and not isinstance(x, str):
        stem = x.name if isinstance(x, Path) else subject
        name = f"{collab.vault().who.name}/{stem}"
    done = collab.share(
        x,
        name,
        people=parsed.many("with"),
        up_to=parsed.one("up-to"),
        level=parsed.one("level"),
        start=parsed.one("from"),
        until=parsed.one("until"),
        purpose=parsed.one("for"),
        because=parsed.one("because"),
        can=parsed.one("can") or "open",
        mask=parsed.pairs("mask"),
        plan=parsed.one("plan"),
        preview=parsed.has("preview"),
        yes=parsed.has("yes"),
    )
    _shown(done)


def _open(parsed: Parsed, variables: Mapping[str, Any]) -> Any:
    columns = [one.strip() for value in parsed.many("columns") for one in value.split(",")]
    return collab.open(
        parsed.subject or "",
        version=_whole(parsed, "version", "Versions are 1, 2, 3: see %versions NAME."),
        columns=columns or None,
        up_to=parsed.one("up-to"),
        purpose=parsed.one("for"),
    )


def _unmask(parsed: Parsed, variables: Mapping[str, Any]) -> Any:
    return collab.unmask(
        _variable(parsed.subject or "", variables),
        parsed.needed("of", "the name under which it was shared"),
        column=parsed.needed("column", "the column whose tokens are to be opened"),
        because=parsed.needed("because", "the reason, which goes on record,"),
        version=_whole(parsed, "version", "Versions are 1, 2, 3: see %versions NAME."),
        purpose=parsed.one("for"),
    )


def _join(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    level = parsed.needed("level", "the level of the columns to be joined")
    _shown(collab.join(parsed.subject or "", level=level, because=parsed.needed("because", "the reason")))


def _joins(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    _shown(collab.joins())


def _shares(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    _shown(collab.shares())


def _access(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    _shown(collab.access(parsed.subject or ""))


def _unshare(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    _shown(collab.unshare(parsed.subject or "", parsed.many("with"), rekey=parsed.has("rekey")))


def _versions(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    _shown(collab.versions(parsed.subject or ""))


def _audit(parsed: Parsed, variables: Mapping[str, Any]) -> None:
    if parsed.has("executions"):
        if parsed.subject or parsed.has("export"):
            raise Invalid("executions are listed by themselves", next_step="%audit --executions --by PERSON --since 8h")
        _shown(collab.executions(by=parsed.one("by"), notebook=parsed.one("notebook"), since=parsed.one("since")))
        return
    if parsed.has("notebook"):
        raise Invalid("entries of the log are not listed by notebook", next_step="%audit --executions --notebook PATH")
    _shown(collab.audit(parsed.subject, by=parsed.one("by"), since=parsed.one("since"), export=parsed.one("export")))


_CALLS: dict[str, Callable[[Parsed, Mapping[str, Any]], Any]] = {
    "vault": _vault,
    "classify": _classify,
    "mask": _mask,
    "share": _share,
    "open": _open,
    "unmask": _unmask,
    "join": _join,
    "joins": _joins,
    "shares": _shares,
    "access": _access,
    "unshare": _unshare,
    "versions": _versions,
    "audit": _audit,
}


def _whole(parsed: Parsed, flag: str, hint: str) -> int | None:
    """The whole number behind a flag."""
    text = parsed.one(flag)
    if text is not None and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid(f"{clip(text)!r} is no number for --{flag}", next_step=hint)
    return None if text is None else int(text)


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise Invalid(f"there is no variable {clip(name)!r}", next_step="Give the name of a variable, without quotes.")
    return variables[name]


def _subject(text: str, variables: Mapping[str, Any], *, new: bool) -> Any:
    """What `%share` is about: a variable's value, else a file by a path that shows it is one, else a shared name."""
    if text in variables:
        value = variables[text]
        return Path(value).expanduser() if isinstance(value, str) and new else value
    if text.startswith(_PATH_STARTS) or (new and "/" in text):
        return Path(text).expanduser()
    if "/" in text:
        return text
    if text not in variables and Path(text).is_file():
        raise Invalid(f"there is no variable {clip(text)!r}", next_step=f"The file of that name is shared as ./{text}")
    return _variable(text, variables)
