"""The files that examples/launch.py makes: one command for all, and files of the right kind."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "launch.py"
WORDS = ["--", "my pictures", "run.dir=/shared/mine"]
TRAINS = "--max-restarts 3 -m gan_style train 'my pictures' run.dir=/shared/mine"


def made(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_machine() -> None:
    found = made("shell", "--gpus", "4", *WORDS)
    assert found == f"torchrun --standalone --nproc-per-node 4 {TRAINS}\n"


def test_two_machines_meet_at_the_first() -> None:
    found = made("shell", "--machines", "2", "--gpus", "4", *WORDS)
    assert "--nnodes 2 --rdzv-backend c10d --rdzv-id gan-style --rdzv-endpoint HEAD:29400" in found
    assert found.endswith(f"--nproc-per-node 4 {TRAINS}\n")


def test_slurm(tmp_path: Path) -> None:
    file = tmp_path / "job.sh"
    file.write_text(made("slurm", "--machines", "2", "--gpus", "8", "--cpus", "64", *WORDS))
    subprocess.run(["bash", "-n", file], check=True)
    lines = file.read_text().splitlines()
    assert {"#SBATCH --nodes=2", "#SBATCH --gpus-per-node=8"} <= {*lines}
    assert "export OMP_NUM_THREADS=8" in lines
    assert lines[-1].startswith("srun torchrun --nnodes 2")
    assert '--rdzv-endpoint "$head:29400"' in lines[-1]
    assert lines[-1].endswith(TRAINS)


def test_kubernetes() -> None:
    given = ["--machines", "2", "--gpus", "8", "--image", "here/gan-style", "--claim", "art"]
    service, job = yaml.safe_load_all(made("kubernetes", *given, *WORDS))
    assert (service["kind"], job["kind"]) == ("Service", "Job")
    pods = job["spec"]["template"]["spec"]
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 2
    assert pods["subdomain"] == service["metadata"]["name"]
    (container,) = pods["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 8}
    (command,) = container["args"]
    assert command.startswith("exec torchrun --nnodes 2")
    assert "--rdzv-endpoint gan-style-0.gan-style:29400" in command
    assert command.endswith(TRAINS)
    assert {each["name"] for each in pods["volumes"]} == {
        each["name"] for each in container["volumeMounts"]
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shell", "pictures"), "run.dir"),
        (("kubernetes", "run.dir=a"), "--image"),
        (("shell", "--gpus", "0", "run.dir=a"), "1 or more"),
    ],
)
def test_what_is_missing_is_said(words: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
