"""The files of deploy/ are what those who read them take them for: Kubernetes, its Hub's chart, systemd, nginx, us."""

from __future__ import annotations

import copy
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from traitlets.config import Config

from jupyter_securecollab.cli import _parser
from jupyter_securecollab.cosigning import Quorum
from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.server.service.places import Serving, place
from jupyter_securecollab.server.service.process import GRACE_SECONDS
from jupyter_securecollab.witness import make_witness

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).parent / "vectors" / "deploy"
KUBERNETES = json.loads((SCHEMAS / "kubernetes.json").read_text())
OBJECTS = {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes" / "vault.yaml").read_text())}
VALUES = yaml.safe_load((DEPLOY / "kubernetes" / "z2jh-values.yaml").read_text())


def check_object(found: dict[str, Any]) -> None:
    name = KUBERNETES["kinds"][f"{found['apiVersion']} {found['kind']}"]
    jsonschema.validate(found, {"$ref": f"#/$defs/{name}", "$defs": KUBERNETES["$defs"]})


def check_values(found: dict[str, Any]) -> None:
    """As Helm does once `--set-file` has put the file in."""
    whole = copy.deepcopy(found)
    whole["hub"]["extraFiles"]["securecollab"]["stringData"] = config_text()
    jsonschema.validate(whole, json.loads((SCHEMAS / "z2jh-values.json").read_text()))


def config_text() -> str:
    return (DEPLOY / "jupyterhub" / "securecollab_config.py").read_text()


def configured(text: str) -> Config:
    """What the Hub makes of a configuration file."""
    made = Config()
    exec(compile(text, "securecollab_config.py", "exec"), {"get_config": lambda: made})
    return made


def service_of(made: Config) -> dict[str, Any]:
    (found,) = made.JupyterHub.services.get_value([])
    return found


@pytest.mark.parametrize("kind", OBJECTS)
def test_kubernetes_knows_every_field(kind: str) -> None:
    check_object(OBJECTS[kind])


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("Deployment", lambda spec: spec["template"]["spec"].update(readOnlyRootFilesystem=True)),
        ("Deployment", lambda spec: spec["template"]["spec"]["containers"][0].update(livenessProb={})),
        ("Deployment", lambda spec: spec.pop("selector")),
        ("NetworkPolicy", lambda spec: spec["ingress"][0].update(port=8765)),
        ("Service", lambda spec: spec["ports"][0].pop("port")),
    ],
)
def test_a_field_in_the_wrong_place_would_be_noticed(kind: str, spoil: Callable[[dict[str, Any]], object]) -> None:
    spoiled = copy.deepcopy(OBJECTS[kind])
    spoil(spoiled["spec"])
    with pytest.raises(jsonschema.ValidationError):
        check_object(spoiled)


def test_the_chart_knows_every_value() -> None:
    check_values(VALUES)
    for spoil in (
        lambda values: values["hub"].update(extraFile={}),
        lambda values: values["singleuser"]["networkPolicy"].update(egres=[]),
        lambda values: values["hub"]["extraFiles"]["securecollab"].pop("mountPath"),
    ):
        spoiled = copy.deepcopy(VALUES)
        spoil(spoiled)
        with pytest.raises(jsonschema.ValidationError):
            check_values(spoiled)


def pod() -> dict[str, Any]:
    return OBJECTS["Deployment"]["spec"]["template"]


def test_the_pod_runs_without_rights_and_stops_in_time() -> None:
    spec, container = pod()["spec"], pod()["spec"]["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert spec["terminationGracePeriodSeconds"] > GRACE_SECONDS
    assert OBJECTS["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    volume = next(one["mountPath"] for one in container["volumeMounts"] if one["name"] == "vault")
    folder = _parser().parse_args(container["args"]).folder
    assert Path(folder).parent == Path(volume), "the volume's root is the group's, the vault's folder is not"


def test_the_pod_serves_where_probes_servers_and_policies_look_for_it() -> None:
    container = pod()["spec"]["containers"][0]
    environment = {one["name"]: one.get("value", "t") for one in container["env"]}
    told = _parser().parse_args(container["args"])
    chosen = dict.fromkeys(Serving._fields) | {
        "folder": Path(told.folder),
        "host": told.host,
        "port": told.port,
        "allowed_hosts": tuple(told.allowed_host),
    }
    where = place(Serving(**chosen), environment, lambda answer, seconds: None)
    address = f"http://{OBJECTS['Service']['metadata']['name']}:{OBJECTS['Service']['spec']['ports'][0]['port']}"
    assert (where.port, where.host) == (container["ports"][0]["containerPort"], "0.0.0.0")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert container[probe]["httpGet"]["path"].startswith(where.prefix)
    assert VALUES["hub"]["extraEnv"]["SECURECOLLAB_URL"] == address
    assert VALUES["singleuser"]["extraEnv"]["SECURECOLLAB_VAULT_URL"] == address + where.prefix.rstrip("/")
    assert address.split("/")[2].split(":")[0] in where.names
    labels = pod()["metadata"]["labels"].items()
    for selector in (
        OBJECTS["Service"]["spec"]["selector"],
        OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"],
        OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        VALUES["singleuser"]["networkPolicy"]["egress"][0]["to"][0]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    ports = [OBJECTS["NetworkPolicy"]["spec"]["ingress"][0], VALUES["singleuser"]["networkPolicy"]["egress"][0]]
    assert all(one["ports"] == [{"protocol": "TCP", "port": where.port}] for one in ports)


def test_the_pods_numbers_are_for_the_namespace_of_prometheus_alone() -> None:
    container, told = pod()["spec"]["containers"][0], _parser().parse_args(pod()["spec"]["containers"][0]["args"])
    serving, metrics = (one["containerPort"] for one in container["ports"])
    assert (told.metrics_host, told.metrics_port) == ("0.0.0.0", metrics) and serving != metrics
    people, prometheus = OBJECTS["NetworkPolicy"]["spec"]["ingress"]
    assert [one["port"] for one in prometheus["ports"]] == [metrics] and "ipBlock" not in str(prometheus)
    assert all("namespaceSelector" in one for one in prometheus["from"])
    assert metrics not in [one["port"] for one in people["ports"]]
    assert metrics not in [one["port"] for one in OBJECTS["Service"]["spec"]["ports"]]


def test_the_environment_on_the_page_is_all_a_service_needs_that_no_hub_starts() -> None:
    page = (ROOT / "docs" / "operate" / "jupyterhub.md").read_text()
    (shown,) = re.findall(r"```\n(JUPYTERHUB_API_URL=.*?)```", page, re.DOTALL)
    environment = dict(line.split("=", 1) for line in shown.splitlines())
    serving = Serving(**dict.fromkeys(Serving._fields) | {"folder": Path("/"), "allowed_hosts": ()})
    where = place(serving, environment, lambda answer, seconds: None)
    assert (where.host, where.port, where.prefix) == ("127.0.0.1", 8765, "/services/securecollab/")
    assert service_of(configured(config_text()))["url"] == f"http://{where.host}:{where.port}"
    assert where.browsers is not None and not where.browsers.address.own
    assert where.browsers.address.origin == "https://hub.example.org"
    for name in list(environment)[:3]:
        with pytest.raises(Invalid, match=name):
            place(serving, {**environment, name: ""}, lambda answer, seconds: None)


def test_the_token_is_one_secret_and_stands_in_no_file() -> None:
    refers = [
        next(one for one in pod()["spec"]["containers"][0]["env"] if one["name"] == "JUPYTERHUB_API_TOKEN"),
        VALUES["hub"]["extraEnv"]["SECURECOLLAB_API_TOKEN"],
    ]
    assert [one["valueFrom"] for one in refers] == [{"secretKeyRef": {"name": "securecollab", "key": "token"}}] * 2
    assert "Secret" not in OBJECTS
    page = (ROOT / "docs" / "operate" / "jupyterhub.md").read_text()
    assert "kubectl create secret generic securecollab --from-literal=token=" in page


def test_the_hub_starts_the_service_or_is_told_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    started = service_of(configured(config_text()))
    assert started["user"] == "securecollab" and "api_token" not in started
    _parser().parse_args(started["command"][3:])
    for name, value in (("URL", "http://securecollab:8765"), ("API_TOKEN", "secret"), ("LOG_KEY", "key")):
        monkeypatch.setenv(f"SECURECOLLAB_{name}", value)
    made = configured(config_text())
    told = service_of(made)
    assert (told["url"], told["api_token"]) == ("http://securecollab:8765", "secret")
    assert not {"command", "user"} & told.keys()
    environment = made.Spawner.environment.get_value({})
    assert environment["SECURECOLLAB_VAULT_LOG_KEY"] == "key" and environment["SECURECOLLAB_VAULT_WITNESSES"] == ""


def test_what_a_hub_has_already_stays() -> None:
    made = Config()
    made.JupyterHub.services = [{"name": "own"}]
    made.JupyterHub.load_roles = [{"name": "own"}]
    made.JupyterHub.custom_scopes = {"custom:own": {"description": "own"}}
    made.Spawner.environment = {"OWN": "1"}
    made.Spawner.server_token_scopes = ["read:users:name!user"]
    exec(compile(config_text(), "securecollab_config.py", "exec"), {"get_config": lambda: made})
    assert [one["name"] for one in made.JupyterHub.services] == ["own", "securecollab"]
    assert made.JupyterHub.load_roles[0] == {"name": "own"} and len(made.JupyterHub.load_roles) == 5
    assert {"custom:own", "custom:securecollab:member"} <= made.JupyterHub.custom_scopes.keys()
    assert {"OWN", "SECURECOLLAB_VAULT_URL"} <= made.Spawner.environment.keys()
    scopes = made.Spawner.server_token_scopes
    assert "read:users:name!user" in scopes and "custom:securecollab:member" in scopes
    assert not {one for one in scopes if one.endswith(("steward", "auditor", "admin"))}


def test_groups_may_be_the_authenticators() -> None:
    """A Hub whose authenticator manages groups does not start with `load_groups`; it makes those named in a role."""
    made = configured(config_text())
    assert "load_groups" not in made.JupyterHub
    given = {group for role in made.JupyterHub.load_roles.get_value([]) for group in role.get("groups", ())}
    assert given == {f"securecollab-{kind}" for kind in ("members", "stewards", "auditors")}


def test_witnesses_in_the_hub_s_file_reach_the_service_and_its_clients(tmp_path: Path) -> None:
    keys = [make_witness(f"w.example/{n}", tmp_path / f"{n}.key", tmp_path / f"{n}.state") for n in range(3)]
    witnesses = [(key, f"http://127.0.0.1:{8770 + number}") for number, key in enumerate(keys)]
    made = configured(config_text().replace("WITNESSES = []", f"WITNESSES = {witnesses!r}"))
    serving = _parser().parse_args(service_of(made)["command"][3:])
    assert ([tuple(one) for one in serving.witness], serving.witness_quorum) == (witnesses, 2)
    quorum = Quorum.parse(made.Spawner.environment.get_value({})["SECURECOLLAB_VAULT_WITNESSES"])
    assert quorum == Quorum.of(keys, 2)


def test_the_littlest_hub_loads_the_same_file() -> None:
    loaded: list[str] = []
    text = (DEPLOY / "tljh" / "securecollab.py").read_text()
    exec(compile(text, "securecollab.py", "exec"), {"load_subconfig": loaded.append})
    assert loaded == ["/etc/jupyterhub/securecollab_config.py"]


# ---- systemd ------------------------------------------------------------------------------------------------------

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def unit(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_systemd_starts_what_the_command_line_knows(file: Path) -> None:
    settings = dict(unit(file))
    words = shlex.split(settings["ExecStart"])
    told = _parser().parse_args(words[1:])
    assert Path(words[0]).name == "jupyter-securecollab" and told.host == "127.0.0.1"
    assert settings["User"] == file.stem == settings["StateDirectory"]
    assert f"/var/lib/{file.stem}" in settings["ExecStart"]
    assert int(settings["TimeoutStopSec"]) > GRACE_SECONDS


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"), reason="no systemd-analyze on this machine"
)
@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_systemd_takes_the_unit_and_finds_it_closed(file: Path, tmp_path: Path) -> None:
    here = tmp_path / file.name
    here.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", file.read_text(), flags=re.MULTILINE))
    assert analyze("verify", "--man=no", str(here)) == (0, "")
    code, said = analyze("security", "--offline=true", "--threshold=20", str(here))
    assert code == 0, said
    here.write_text(here.read_text().replace("ProtectSystem=", "ProtectSystm=").replace("[Install]", "User\n[Install]"))
    assert "ProtectSystm" in analyze("verify", "--man=no", str(here))[1]


def analyze(*words: str) -> tuple[int, str]:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr if words[0] == "verify" else done.stdout


# ---- nginx --------------------------------------------------------------------------------------------------------

NGINX = shutil.which("nginx") or shutil.which(ROOT / ".make" / "nginx" / "usr" / "sbin" / "nginx")


def nginx_says(text: str, folder: Path) -> tuple[int, str]:
    """What `nginx -t` finds, with a certificate made for it."""
    made = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=vault.example.org", "-days", "1"]
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], capture_output=True, check=True)
    (folder / "site.conf").write_text(text.replace("/etc/ssl/securecollab", str(folder)))
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; "
        + "".join(
            f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"include {folder}/site.conf; }}"
    )
    command = [str(NGINX), "-t", "-q", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.skipif(NGINX is None and not os.environ.get("CI"), reason="no nginx: `make nginx`")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx" / "securecollab.conf").read_text()
    code, said = nginx_says(text, tmp_path)
    assert code == 0, said
    assert nginx_says(text.replace("proxy_request_buffering", "proxy_request_bufering"), tmp_path)[0] != 0


def test_nginx_passes_on_to_where_systemd_serves() -> None:
    text = (DEPLOY / "nginx" / "securecollab.conf").read_text()
    told = _parser().parse_args(shlex.split(dict(unit(DEPLOY / "systemd" / "securecollab.service"))["ExecStart"])[1:])
    assert f"proxy_pass http://{told.host}:{told.port};" in text
    assert set(re.findall(r"server_name (\S+);", text)) == set(told.allowed_host)
    assert "proxy_set_header Host $host;" in text and "client_max_body_size 0;" in text


# ---- the image ----------------------------------------------------------------------------------------------------


def test_the_image_has_no_root_no_secret_and_a_command_we_know() -> None:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "RUN", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in lines} == known
    assert [rest for word, rest in lines if word == "USER"] == ["10001:10001"]
    assert pod()["spec"]["securityContext"]["runAsUser"] == 10001
    assert all(":" in rest and ":latest" not in rest for word, rest in lines if word == "FROM")
    assert "--require-hashes" in text and not re.search(r"(?i)token|password|secret=", text)
    for source in re.findall(r"^COPY (requirements\S+)", text, re.MULTILINE):
        assert (ROOT / source).exists()
    (command,) = (json.loads(rest) for word, rest in lines if word == "CMD")
    assert _parser().parse_args(command).folder == _parser().parse_args(pod()["spec"]["containers"][0]["args"]).folder
