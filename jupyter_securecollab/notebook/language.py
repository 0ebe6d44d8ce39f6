"""The notebook language: every magic, its flags and its help. One flag has one meaning wherever it stands."""

from __future__ import annotations

from .parse import Flag, Syntax

_WITH = Flag("with", "many", "PERSON", "people and @groups")
_UP_TO = Flag("up-to", "one", "LEVEL", "the level to which somebody reads (public, internal, confidential, secret)")
_LEVEL = Flag("level", "one", "LEVEL", "how sensitive a model, file or column is itself")
_FROM = Flag("from", "one", "TIME", "when access begins: an ISO time, or 8h, 30d, 2w from now")
_UNTIL = Flag("until", "one", "TIME", "when access ends; the level's default duration unless given")
_FOR = Flag("for", "one", "PURPOSE", "a purpose: access bound to one is used for that alone")
_BECAUSE = Flag("because", "one", "TEXT", "why, in free words; goes on record")
_OF = Flag("of", "one", "NAME", "what it was shared as, project/name")
_MASK = Flag(
    "mask",
    "many",
    "COLUMN=HOW",
    "how a column's masked copy is made, such as redact, pseudonym or generalise:10, or drop for none",
)
_PLAN = Flag("plan", "one", "FILE", "how columns are masked, from a JSON or YAML file")
_PREVIEW = Flag("preview", "nothing", "", "show what would happen, change nothing")

_SHARE_FLAGS = (
    Flag("as", "one", "NAME", "the name to share under, project/name; you/variable unless given"),
    _WITH,
    _UP_TO,
    _LEVEL,
    _FROM,
    _UNTIL,
    _FOR,
    _BECAUSE,
    Flag("can", "one", "WHAT", "open, update or manage; open unless given"),
    _MASK,
    _PLAN,
    _PREVIEW,
    Flag("yes", "nothing", "", "accept the suggested levels of columns nobody has reviewed; goes on record"),
)

MAGICS = {
    syntax.magic: syntax
    for syntax in (
        Syntax("vault", "Who you are, to which vault.", "NAME", subject_needed=False),
        Syntax(
            "classify",
            "Suggest how sensitive each column of a frame is, or say so yourself; of a model, what it carries.",
            "X",
            (
                Flag("set", "many", "COLUMN=LEVEL", "the level of a column, or its tag, as you decide"),
                Flag("accept", "nothing", "", "take the suggestions; goes on record under your name"),
                Flag("forget", "many", "COLUMN", "forget what you said of such columns; without X, by their ids"),
                Flag("remembered", "nothing", "", "list what you said, without X"),
                Flag("full", "nothing", "", "look at every row instead of some thousand"),
            ),
            subject_needed=False,
            examples=(
                "%classify patients --set RACE=confidential ZIP=postcode --accept",
                "%classify patients --forget RACE",
                "%classify --remembered",
            ),
        ),
        Syntax(
            "mask",
            "A copy of a frame or model as somebody reads it up to a level; the thing itself is unchanged.",
            "X",
            (
                _UP_TO,
                _MASK,
                _PLAN,
                Flag("k", "one", "N", "generalise what others may know of people until N rows look alike"),
                Flag("preview", "nothing", "", "show the first rows before and after, make nothing"),
                Flag("explain", "nothing", "", "show what each technique keeps and still leaks; without X, of all"),
            ),
            subject_needed=False,
            examples=(
                "masked = %mask patients --up-to internal --mask SSN=pseudonym LAST=partial",
                "%mask patients --plan masks.yaml --preview",
                "%mask --explain",
            ),
        ),
        Syntax(
            "share",
            "Share a frame, model or file (./path), or give access to what is shared. %%share runs its cell first.",
            "X or NAME",
            _SHARE_FLAGS,
            examples=(
                "%share patients --as oncology/patients --with @analysts --until 30d",
                "%share patients --with bob --mask SSN=partial PASSPORT=drop --preview",
                "%share oncology/patients --with bob --up-to confidential --because 'reads the scans'",
            ),
        ),
        Syntax(
            "open",
            "Open what was shared with you, as far as you may read.",
            "NAME",
            (
                Flag("version", "one", "N", "an older version; the newest unless given"),
                Flag("columns", "many", '"A,B"', "only these columns"),
                _UP_TO,
                _FOR,
            ),
            examples=("patients = %open oncology/patients",),
        ),
        Syntax(
            "unmask",
            "What the tokens in a column stood for, if you may open that column; goes on record.",
            "X",
            (
                _OF,
                Flag("column", "one", "COLUMN", "the column, as it is called there"),
                _BECAUSE,
                Flag("version", "one", "N", "the version the tokens are from; the newest unless given"),
                _FOR,
            ),
            examples=("clear = %unmask patients --of oncology/patients --column SSN --because 'call them back'",),
        ),
        Syntax(
            "join",
            "Ask a steward for pseudonyms that are the same all over a project, on columns of a level.",
            "NAME",
            (_LEVEL, _BECAUSE),
            examples=(
                "%join oncology/person --level confidential --because 'visits and labs of one cohort'",
                "%share visits --as oncology/visits --mask Id=pseudonym:person@project",
            ),
        ),
        Syntax("joins", "What you asked for with %join and what became of it.", ""),
        Syntax("shares", "What is yours and what is shared with you.", ""),
        Syntax("access", "Who may do what with something, until when.", "NAME"),
        Syntax(
            "unshare",
            "End access at once, also where a group would let a person in; shows who had opened it.",
            "NAME",
            (_WITH, Flag("rekey", "nothing", "", "new keys for it, and the versions before are destroyed")),
            examples=("%unshare oncology/patients --with bob",),
        ),
        Syntax("versions", "The versions of something, newest first.", "NAME"),
        Syntax(
            "audit",
            "Entries of the log that you may read, or what was executed on the server.",
            "NAME",
            (
                Flag("by", "one", "PERSON", "only what this person did"),
                Flag("since", "one", "TIME", "an ISO time, or 8h, 30d, 2w ago"),
                Flag("export", "one", "FILE", "save the whole log for offline verification"),
                Flag(
                    "executions",
                    "nothing",
                    "",
                    "what was executed on the server instead: your own, or all for auditors",
                ),
                Flag(
                    "notebook",
                    "one",
                    "PATH",
                    "with --executions: only in this notebook, by its path in the file browser",
                ),
            ),
            examples=(
                "%audit oncology/patients --by bob --since 7d",
                "%audit --executions --notebook work.ipynb --since 8h",
            ),
            subject_needed=False,
        ),
    )
}

MASKED_CELL = Syntax(
    "%mask",
    "Run a cell on masked copies of the frames it uses, and search what it shows for clear values.",
    "",
    (_UP_TO, _MASK, _PLAN),
    examples=("%%mask --up-to internal --mask SSN=partial",),
)
"""`%%mask`, the one magic of a whole cell that has flags of its own."""
