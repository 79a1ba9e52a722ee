"""A CloudWatch dashboard as one HTML file, as CloudWatch would lay it out, before it is deployed.

`notation` reads the body's metrics, `data` asks CloudWatch, `synthetic` makes up a day, `widgets` puts them together,
`chart` draws lines, `page` writes the file.
"""

from tap.dashboard.data import CloudWatch
from tap.dashboard.page import build

__all__ = ["CloudWatch", "build"]
