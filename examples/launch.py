r"""Print how training is launched on many GPUs: on one machine, on several, by SLURM or Kubernetes.

    python examples/launch.py shell --gpus 4 -- my_pictures run.dir=runs/mine
    python examples/launch.py slurm --machines 2 --gpus 8 -- my_pictures run.dir=/shared/mine
    python examples/launch.py kubernetes --machines 2 --gpus 8 --image REGISTRY/gan-style \
        --claim pictures -- /data/my_pictures run.dir=/data/mine

All of them come down to one torchrun command, which differs in where the machines meet. Each
machine needs the pictures under the same path. The first process alone writes into the run folder;
after a restart it is the one that has to find it again, so a shared disk is best.
"""

import argparse
import shlex

PORT = 29400  # torchrun's own default

SLURM = """\
#!/bin/bash
#SBATCH --job-name=gan-style
#SBATCH --nodes={machines}
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={gpus}
#SBATCH --cpus-per-task={cpus}
# a warning before the time is up: training saves, ends, and goes on with train.resume=true
#SBATCH --signal=TERM@120

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS={threads}
srun {command}
"""

KUBERNETES = """\
apiVersion: v1
kind: Service
metadata:
  name: gan-style
spec:
  clusterIP: None # gives each pod a name of its own: gan-style-0.gan-style
  selector:
    job-name: gan-style
---
apiVersion: batch/v1
kind: Job
metadata:
  name: gan-style
spec:
  completionMode: Indexed
  completions: {machines}
  parallelism: {machines}
  backoffLimit: 4
  template:
    spec:
      subdomain: gan-style
      restartPolicy: OnFailure
      terminationGracePeriodSeconds: 120 # for a last checkpoint
      containers:
        - name: gan-style
          image: {image}
          env:
            - name: OMP_NUM_THREADS
              value: "{threads}"
          command: ["sh", "-c"]
          args:
            - >-
              exec {command}
          resources:
            limits:
              nvidia.com/gpu: {gpus}
          volumeMounts:
            - name: data
              mountPath: /data
            - name: shm # processes of a machine exchange tensors through it
              mountPath: /dev/shm
      volumes:
        - name: data
          persistentVolumeClaim:
            claimName: {claim}
        - name: shm
          emptyDir:
            medium: Memory
"""

HEADS = {"shell": "HEAD", "slurm": "$head", "kubernetes": "gan-style-0.gan-style"}


def torchrun(system: str, machines: int, gpus: int, words: list[str]) -> str:
    """The command that each machine runs."""
    meeting = "--standalone"
    if machines > 1:
        endpoint = f"{HEADS[system]}:{PORT}"
        quoted = f'"{endpoint}"' if system == "slurm" else endpoint
        meeting = (
            f"--nnodes {machines} --rdzv-backend c10d --rdzv-id gan-style --rdzv-endpoint {quoted}"
        )
    return (
        f"torchrun {meeting} --nproc-per-node {gpus} --max-restarts 3 "
        f"-m gan_style train {shlex.join(words)}"
    )


def launch(
    system: str,
    machines: int,
    gpus: int,
    cpus: int,
    words: list[str],
    image: str = "",
    claim: str = "",
) -> str:
    """What is typed, submitted or applied."""
    command = torchrun(system, machines, gpus, words)
    template = {"shell": "{command}\n", "slurm": SLURM, "kubernetes": KUBERNETES}[system]
    return template.format(
        command=command,
        machines=machines,
        gpus=gpus,
        cpus=cpus,
        threads=max(1, cpus // gpus),
        image=image,
        claim=claim,
    )


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", choices=HEADS)
    parser.add_argument("--machines", type=int, default=1)
    parser.add_argument("--gpus", type=int, default=1, help="of each machine")
    parser.add_argument("--cpus", type=int, default=8, help="of each machine")
    parser.add_argument("--image", help="of the container, for kubernetes")
    parser.add_argument("--claim", help="persistent volume claim with the pictures, for kubernetes")
    parser.add_argument("words", nargs="+", help="what `gan-style train` is given")
    options = parser.parse_args()
    if min(options.machines, options.gpus, options.cpus) < 1:
        parser.error("--machines, --gpus and --cpus have to be 1 or more")
    if options.system == "kubernetes" and not (options.image and options.claim):
        parser.error("kubernetes needs --image and --claim")
    if not any(word.startswith("run.dir=") for word in options.words):
        parser.error("give run.dir=FOLDER, or a restart would not find the run")
    print(launch(**vars(options)), end="")


if __name__ == "__main__":
    main()
