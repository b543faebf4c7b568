"""What the tools take, from their documentation: commands, flags, and how many words besides.

Of ``aws`` only the commands that its CLI adds stand here; the others are judged by the models of
the services, in the tests. A flag with ``=`` takes a value, with ``=*`` several.
"""

from __future__ import annotations

_DRY = "--dry-run= -o= --output="
_KUBECTL = "-n= --namespace= --as= --as-group= --kubeconfig="
_HELM = "--namespace= -n= --kubeconfig="

#: For each tool: the words of a command, its flags, the least and the most words besides.
COMMANDS: dict[str, dict[str, tuple[str, int, int]]] = {
    "aws": {
        "--version": ("", 0, 0),
        "cloudformation deploy": (
            "--stack-name= --template-file= --capabilities=* --parameter-overrides=* --region= "
            "--no-fail-on-empty-changeset --fail-on-empty-changeset --tags=* --role-arn= "
            "--s3-bucket= --s3-prefix= --kms-key-id= --force-upload --no-execute-changeset",
            0,
            0,
        ),
        "cloudformation wait": ("--stack-name= --region=", 1, 1),
        "ecr get-login-password": ("--region=", 0, 0),
        "eks update-kubeconfig": (
            "--name= --region= --kubeconfig= --role-arn= --alias= --user-alias= --dry-run "
            "--verbose",
            0,
            0,
        ),
    },
    "eksctl": {
        "version": ("-o= --output=", 0, 0),
        "create cluster": (
            "-f= --config-file= --dry-run --timeout= --write-kubeconfig= --kubeconfig= "
            "--set-kubeconfig-context= --without-nodegroup --name= -n= --region= -r= --profile= "
            "-p=",
            0,
            0,
        ),
        "create accessentry": (
            "-f= --config-file= --cluster= --principal-arn= --type= --kubernetes-groups= "
            "--kubernetes-username= --region= -r= --timeout= --profile= -p=",
            0,
            0,
        ),
        "delete cluster": (
            "-f= --config-file= --name= -n= --region= -r= --wait -w --force "
            "--disable-nodegroup-eviction --timeout= --pod-eviction-wait-period= --parallel= "
            "--profile= -p=",
            0,
            1,
        ),
    },
    "docker": {
        "version": ("--format= -f=", 0, 0),
        "login": ("--username= -u= --password= -p= --password-stdin", 0, 1),
        "build": (
            "--platform= -t= --tag= -f= --file= --build-arg= --pull --no-cache --provenance= "
            "--push --load --progress= -q",
            1,
            1,
        ),
        "push": ("-a --all-tags -q --quiet --platform=", 1, 1),
    },
    "helm": {
        "version": ("--short --template=", 0, 0),
        "repo add": ("--force-update --username= --password= --password-stdin --timeout=", 2, 2),
        "repo update": ("--timeout=", 0, 9),
        "upgrade": (
            f"{_HELM} --install -i --version= --wait --timeout= --set= --set-json= --set-string= "
            "--set-file= --values= -f= --create-namespace --atomic --reuse-values --reset-values",
            2,
            2,
        ),
        "status": (f"{_HELM} -o= --output= --revision=", 1, 1),
        "uninstall": (f"{_HELM} --ignore-not-found --wait --timeout= --keep-history", 1, 9),
    },
    "kubectl": {
        "version": ("--client -o= --output=", 0, 0),
        "apply": (f"{_KUBECTL} -f= -k= --server-side --prune --wait --timeout= {_DRY}", 0, 0),
        "kustomize": ("", 1, 1),
        "create namespace": (f"{_KUBECTL} {_DRY} --save-config", 1, 1),
        "create secret generic": (
            f"{_KUBECTL} {_DRY} --from-file= --from-literal= --from-env-file= --type= "
            "--append-hash",
            1,
            1,
        ),
        "get": (f"{_KUBECTL} -k= -f= -o= --output= -l= --ignore-not-found -A", 0, 99),
        "delete": (f"{_KUBECTL} -k= -f= --ignore-not-found --wait= --timeout= --all -l=", 0, 99),
        "rollout status": (f"{_KUBECTL} --timeout= -w= --watch= --revision=", 1, 1),
        "wait": (f"{_KUBECTL} --for= --timeout= --all -l= -f=", 1, 99),
        "auth can-i": (f"{_KUBECTL} --list -A --subresource= -q", 2, 3),
    },
    "sam": {
        "--version": ("", 0, 0),
        "build": ("--cached --parallel --use-container --template-file= --build-dir=", 0, 1),
        "deploy": (
            "--no-confirm-changeset --confirm-changeset --parameter-overrides=* --guided "
            "--stack-name= --region= --capabilities=* --template-file= --config-env= "
            "--config-file= --no-fail-on-empty-changeset --resolve-s3",
            0,
            0,
        ),
        "delete": (
            "--stack-name= --region= --no-prompts --s3-bucket= --s3-prefix= --config-file= "
            "--config-env= --profile=",
            0,
            0,
        ),
    },
    "srectl": {
        "runbooks publish": ("", 0, 0),
        "runbooks list": ("--json", 0, 0),
        "doctor": ("--output=", 0, 0),
        "mode": ("", 0, 1),
    },
    "curl": {
        "": (
            "-s -f -S -o= -w= -H= --data-binary= -fsS -m= --retry= --retry-delay= "
            "--retry-all-errors --version",
            0,
            1,
        )
    },
    "openssl": {"rand": ("-hex", 1, 1), "version": ("", 0, 0)},
}


def refusal(tool: str, words: list[str]) -> str:
    """Say what the real tool would not take; empty where it would.

    Parameters
    ----------
    words
        The words of the call, without the tool's name.
    """
    known = COMMANDS[tool]
    plain = _leading(tool, words)
    name = next(
        (each for each in sorted(known, key=len, reverse=True) if _begins(plain, each)), None
    )
    if name is None:
        return "" if tool == "aws" and len(plain) > 1 else f"unknown command: {' '.join(words)}"
    flags, least, most = known[name]
    taking = dict(_flag(each) for each in flags.split())
    left, besides = list(words), 0
    for word in name.split():
        left.remove(word)
    while left:
        word = left.pop(0)
        flag, equals, _ = word.partition("=")
        if not word.startswith("-") or word == "-":
            besides += 1
        elif flag not in taking:
            return f"unknown flag of {tool} {name}: {flag}"
        elif taking[flag] == "=*":
            while left and not left[0].startswith("--"):
                left.pop(0)
        elif taking[flag] == "=" and not equals:
            if not left:
                return f"flag needs an argument: {flag}"
            left.pop(0)
    if not least <= besides <= most:
        return f"{tool} {name} takes {least} to {most} words, not {besides}"
    return ""


def _flag(text: str) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    return name, equals + rest


def _leading(tool: str, words: list[str]) -> list[str]:
    """Give the words that a command may be named by: without kubectl's own flags before them."""
    found, left = [], list(words)
    while left:
        word = left.pop(0)
        if tool == "kubectl" and word in ("-n", "--namespace"):
            left = left[1:]
        elif word.startswith("-") and word not in COMMANDS[tool]:
            break
        else:
            found.append(word)
    return found


def _begins(words: list[str], name: str) -> bool:
    return words[: len(name.split())] == name.split()
