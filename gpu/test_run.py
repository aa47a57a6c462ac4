"""python3 test_run.py: run.sh with programs that pass, fail, end early and say a lot."""

import os
import shutil
import subprocess
import tempfile
import unittest

here = os.path.dirname(os.path.abspath(__file__))

PROGRAMS = {
    "cotangent": '[ "$1" = info ]',
    # The one that fails is where a log as long as this one is cut.
    "device.test": """for ((i = 0; i < 20000; i++)); do
  verdict=PASS; [ $i = 14000 ] && verdict=FAIL
  echo "=== RUN   Test$i"; echo "--- $verdict: Test$i (0.00s)"
done
exit 1""",
    "kernels.test": 'echo "=== RUN   TestCut"',
}


class TestRun(unittest.TestCase):
    def run_stages(self, folder, stages, files):
        shutil.copy(os.path.join(here, "run.sh"), folder)
        for name, text in {"commit": "abc", **files}.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        for name, text in PROGRAMS.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write("#!/usr/bin/env bash\n" + text + "\n")
            os.chmod(os.path.join(folder, name), 0o755)
        out = os.path.join(folder, "the results")
        env = {**os.environ, "STANDIN": folder, "STAGES": stages, "LIMIT": "30"}
        done = subprocess.run([os.path.join(folder, "run.sh"), out], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(os.path.join(out, "summary.txt")) as f:
            return done.returncode, f.read(), out

    def test_summary(self):
        with tempfile.TemporaryDirectory() as folder:
            code, summary, out = self.run_stages(folder, "first", {})
            self.assertEqual(code, 1)
            self.assertLess(os.path.getsize(os.path.join(out, "first-device.log")), 500000)
            self.assertIn("first-device: 19999 passed, 1 failed, 0 skipped\n  --- FAIL: Test14000", summary)
            self.assertIn("first-kernels: 0 passed, 0 failed, 0 skipped; CUT SHORT in TestCut, the last of 1 begun", summary)

    def test_broken_sources(self):
        with tempfile.TemporaryDirectory() as folder:
            code, summary, _ = self.run_stages(folder, "ahead first", {"sources.tar.gz": "broken"})
            self.assertEqual(code, 1)
            self.assertIn("first-device: 19999 passed", summary)


if __name__ == "__main__":
    unittest.main()
