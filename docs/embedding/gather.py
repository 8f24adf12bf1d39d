"""Print what each evaluated design costs, one line each: python gather.py FILE..."""

import csv
import json
import sys
from pathlib import Path

rows = csv.writer(sys.stdout)
rows.writerow(("file", "status", "lcoc_usd_per_pflop_hour", "launches"))
for name in sys.argv[1:]:
    found = json.loads(Path(name).read_text(encoding="utf-8"))
    outcome = found["outcome"]
    rows.writerow((name, found["status"], outcome["lcoc_usd_per_pflop_hour"], outcome["launches"]))
