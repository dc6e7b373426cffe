"""The files of an export folder: every visible one below it, links followed; what is no file is refused by name."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISREG

from warehouse.ingest.faults import refuse


def list_files(folder: Path) -> Iterator[Path]:
    """Every visible file below `folder`, in name order.

    Raises IngestError for a folder that is not there or may not be read.
    """
    if not folder.is_dir():
        raise refuse(str(folder.name), "the folder given by --from exists", "check the path")

    def forbidden(error: OSError) -> None:
        name = Path(error.filename).name if error.filename else folder.name
        raise refuse(
            name, f"a folder can be read; the system says: {error.strerror}", "check its permissions"
        ) from error

    for root, folders, files in os.walk(folder, onerror=forbidden, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        _refuse_loops(Path(root), folders)
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root) / name


def _refuse_loops(root: Path, folders: Iterable[str]) -> None:
    """Raises IngestError for a link to a folder that it stands in: its files would be met without end."""
    above = [one.resolve() for one in (root, *root.parents)]
    for name in folders:
        if (root / name).is_symlink() and (root / name).resolve() in above:
            raise refuse(
                name,
                "a link in an export leads to files; this one leads back to a folder above it",
                "remove the link, or give --from the folder that holds the files",
            )


def refuse_no_file(path: Path, name: str) -> None:
    """Raises IngestError for links that lead nowhere or in a circle, and for pipes and the like."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return  # said where it is opened
    except OSError as bad:
        rule = "a link in an export leads to a file" if path.is_symlink() else "a file of an export can be opened"
        raise refuse(
            name,
            f"{rule}; the system says: {bad.strerror}",
            f"mend or remove it, or say --override skip:{name}=yes",
        ) from bad
    if not S_ISREG(mode):
        raise refuse(
            name,
            "an export holds files; this is a pipe, a socket or a device",
            f"remove it, or --override skip:{name}=yes",
        )
