"""python -m tests.faults: write the table of fault against check into docs and pages."""

from tests.faults.table import DOCS, PAGES, ROOT, write

if __name__ == "__main__":
    write()
    print(f"written: {DOCS.relative_to(ROOT)}, {PAGES.relative_to(ROOT)}")
