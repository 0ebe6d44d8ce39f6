"""Makes the modules beside this file importable from every test: people and content for vaults to hold."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
