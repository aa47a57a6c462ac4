"""python3 test_run.py: run.sh with programs that pass, fail, end early and say a lot."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
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
    def start(self, folder, stages, **files):
        """Starts run.sh in a folder with other files than usual."""
        shutil.copy(os.path.join(here, "run.sh"), folder)
        for name, text in {"commit": "abc", **PROGRAMS, **files}.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write("#!/usr/bin/env bash\n" + text + "\n" if name in PROGRAMS else text)
            os.chmod(os.path.join(folder, name), 0o755)
        out = os.path.join(folder, "the results")
        env = {**os.environ, "STANDIN": folder, "STAGES": stages, "LIMIT": "30"}
        run = subprocess.Popen([os.path.join(folder, "run.sh"), out], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        return run, out

    def run_stages(self, folder, stages, **files):
        run, out = self.start(folder, stages, **files)
        code = run.wait()
        with open(os.path.join(out, "summary.txt")) as f:
            return code, f.read(), out

    def test_summary(self):
        with tempfile.TemporaryDirectory() as folder:
            code, summary, out = self.run_stages(folder, "first")
            self.assertEqual(code, 1)
            self.assertLess(os.path.getsize(os.path.join(out, "first-device.log")), 500000)
            self.assertIn("first-device: 19999 passed, 1 failed, 0 skipped\n  --- FAIL: Test14000", summary)
            self.assertIn("first-kernels: 0 passed, 0 failed, 0 skipped; CUT SHORT in TestCut, the last of 1 begun", summary)

    def test_broken_sources(self):
        with tempfile.TemporaryDirectory() as folder:
            code, summary, _ = self.run_stages(folder, "ahead first", **{"sources.tar.gz": "broken"})
            self.assertEqual(code, 1)
            self.assertIn("first-device: 19999 passed", summary)

    def test_taken_away(self):
        """A machine that is taken away in a stage leaves a summary of what had ended in it."""
        with tempfile.TemporaryDirectory() as folder:
            run, out = self.start(folder, "first", **{"kernels.test": 'echo "=== RUN   TestHangs"; sleep 25'})
            summary = ""
            while "first-device" not in summary and run.poll() is None:
                time.sleep(0.1)
                if os.path.exists(os.path.join(out, "summary.txt")):
                    with open(os.path.join(out, "summary.txt")) as f:
                        summary = f.read()
            self.assertIn("first-device: 19999 passed", summary)
            self.assertNotIn("first-kernels", summary)
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()

    def test_sanitizer(self):
        with tempfile.TemporaryDirectory() as folder:
            _, summary, _ = self.run_stages(folder, "sanitize")
            for tool in ("memcheck", "racecheck"):
                self.assertIn(tool + ": 0 passed, 0 failed, 0 skipped; CUT SHORT in TestCut", summary)


if __name__ == "__main__":
    unittest.main()
