"""An import in a process of its own, to be killed: `python -m tests.store.import_worker ENDPOINT TABLE FILE`.

It tells after each step how many prompts are certainly in the table.
"""

import sys

from tap.store import ClientSettings, ImportReport, PromptStore
from tap.store.bulk import importing


def tell(report: ImportReport) -> None:
    sys.stdout.write(f"{report.imported + report.existing}\n")
    sys.stdout.flush()


def main(endpoint: str, table: str, file: str) -> None:
    vars(importing)["SAVE_EVERY"] = 0.05  # so that there is a checkpoint before the kill
    # Two workers have four chunks under way: with sixteen the whole file would be, and the kill not in its middle.
    PromptStore(table, ClientSettings("us-east-1", endpoint)).import_prompts(file, workers=2, on_progress=tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
