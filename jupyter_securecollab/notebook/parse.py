"""Reads the line behind a magic: words, quotes, flags. One flag has one meaning and no abbreviations.

`argparse` (and IPython's `magic_arguments` on top of it) keeps quotes, splits `--because="two words"` and takes
abbreviations, so this is a small parser of our own. It never evaluates anything: `{name}` as a whole word is replaced
by a text variable of that name, everything else in braces or behind a dollar sign stays what it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import Invalid
from ..model import clip

Takes = Literal["nothing", "one", "many"]


@dataclass(frozen=True)
class Flag:
    """One flag of a magic: how it is written, how many values follow, what to call them and what it means."""

    name: str
    takes: Takes
    value: str
    meaning: str


@dataclass(frozen=True)
class Syntax:
    """What one magic understands. `subject` is what stands before the flags, such as `NAME`; empty means nothing."""

    magic: str
    summary: str
    subject: str
    flags: tuple[Flag, ...] = ()
    subject_needed: bool = True
    examples: tuple[str, ...] = ()

    def help(self) -> str:
        """The text behind `%magic --help` and `%magic?`."""
        shown = self.subject if self.subject_needed else f"[{self.subject}]"
        usage = [f"%{self.magic}", *([shown] if self.subject else []), *(f"[{_usage(flag)}]" for flag in self.flags)]
        width = max((len(_usage(flag)) for flag in self.flags), default=0)
        lines = [self.summary, "", f"    {' '.join(usage)}", ""]
        lines += [f"    {_usage(flag):{width}}  {flag.meaning}" for flag in self.flags]
        if self.examples:
            lines += ["", "For example:", "", *(f"    {example}" for example in self.examples)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Parsed:
    """One line, understood. Values are text as typed; what they mean is up to the magic."""

    subject: str | None
    values: Mapping[str, tuple[str, ...]]

    def has(self, flag: str) -> bool:
        """Whether the flag was given."""
        return flag in self.values

    def one(self, flag: str) -> str | None:
        """The value of a flag that takes one."""
        return self.values[flag][0] if flag in self.values else None

    def needed(self, flag: str, what: str) -> str:
        """The value of a flag that cannot be left out."""
        if flag not in self.values:
            raise Invalid(f"{what} is missing", next_step=f"Give it with --{flag}.")
        return self.values[flag][0]

    def many(self, flag: str) -> tuple[str, ...]:
        """All values of a flag that takes many."""
        return self.values.get(flag, ())

    def pairs(self, flag: str) -> dict[str, str]:
        """Values written `column=word`, split at the last equals sign."""
        found = {}
        for value in self.many(flag):
            column, equals, word = value.rpartition("=")
            if not equals or not column or not word:
                lacks = "its =" if not equals else "a column before its =" if not column else "a word behind its ="
                raise Invalid(f"--{flag} {clip(value)!r} lacks {lacks}", next_step=f"Write --{flag} column=word.")
            found[column] = word
        return found


def parse(line: str, syntax: Syntax, variables: Mapping[str, object]) -> Parsed:
    """Understand a line, or raise `Invalid` saying which word is wrong and what was perhaps meant."""
    known = {flag.name: flag for flag in (*syntax.flags, HELP)}
    subject: str | None = None
    values: dict[str, tuple[str, ...]] = {}
    current: Flag | None = None
    for word in _words(line):
        if word.flag is not None:
            _check_given(current, values)
            current = _known(word.flag, known, syntax)
            if current.takes != "many" and current.name in values:
                raise Invalid(f"--{current.name} is there twice", next_step="Give it once.")
            values.setdefault(current.name, ())
            if word.text is None:
                continue
        text = _expanded(word, variables)
        if current is not None and _takes_more(current, values):
            values[current.name] += (text,)
        elif subject is None and syntax.subject and word.flag is None:
            subject = text
        else:
            raise Invalid(f"{clip(text)!r} is one word too many", next_step=_hint(syntax))
    _check_given(current, values)
    if subject is None and syntax.subject and syntax.subject_needed and HELP.name not in values:
        raise Invalid(f"%{syntax.magic} needs {syntax.subject}", next_step=_hint(syntax))
    return Parsed(subject, values)


HELP = Flag("help", "nothing", "", "show this text")


@dataclass(frozen=True)
class _Word:
    """One word of the line: `--flag`, `--flag=text` or text. Quoted text is never expanded."""

    flag: str | None
    text: str | None
    quoted: bool


def _words(line: str) -> Iterator[_Word]:
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
        elif line[position] == "#":
            return  # a comment, as behind any other Python statement
        else:
            word, position = _word(line, position)
            yield word


def _word(line: str, position: int) -> tuple[_Word, int]:
    flag: str | None = None
    pieces: list[str] = []
    quoted = False
    fresh = True  # quotes count where text begins: it's is a word
    while position < len(line) and not line[position].isspace():
        char = line[position]
        if fresh and char in "\"'":
            end = line.find(char, position + 1)
            if end < 0:
                raise Invalid(f"a quote {char} is opened and never closed", next_step="Close it, or leave it out.")
            pieces.append(line[position + 1 : end])
            position, quoted, fresh = end + 1, True, False
        elif char == "=" and flag is None and not quoted and "".join(pieces).startswith("--"):
            flag, pieces, fresh, position = "".join(pieces)[2:], [], True, position + 1
        else:
            pieces.append(char)
            position, fresh = position + 1, char == "="
    text = "".join(pieces)
    if flag is None and not quoted and text.startswith("--") and text != "--":
        return _Word(text[2:], None, False), position
    return _Word(flag, text, quoted), position


def _known(name: str, known: Mapping[str, Flag], syntax: Syntax) -> Flag:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean --{near[0]}?" if near else _hint(syntax)
    raise Invalid(f"%{syntax.magic} has no flag --{clip(name)}", next_step=hint)


def _takes_more(flag: Flag, values: Mapping[str, tuple[str, ...]]) -> bool:
    return flag.takes == "many" or (flag.takes == "one" and not values[flag.name])


def _check_given(flag: Flag | None, values: Mapping[str, tuple[str, ...]]) -> None:
    if flag is not None and flag.takes != "nothing" and not values[flag.name]:
        raise Invalid(f"--{flag.name} needs {flag.value}", next_step=f"Write --{flag.name} {flag.value}.")


def _expanded(word: _Word, variables: Mapping[str, object]) -> str:
    text = word.text or ""
    if word.quoted or not (text.startswith("{") and text.endswith("}") and text[1:-1].isidentifier()):
        return text
    value = variables.get(text[1:-1])
    if not isinstance(value, str):
        raise Invalid(f"{clip(text)} is not the name of a variable that holds text", next_step="Write the text itself.")
    return value


def _usage(flag: Flag) -> str:
    return f"--{flag.name}" + {"nothing": "", "one": f" {flag.value}", "many": f" {flag.value}..."}[flag.takes]


def _hint(syntax: Syntax) -> str:
    return f"%{syntax.magic} --help shows how it is written."
