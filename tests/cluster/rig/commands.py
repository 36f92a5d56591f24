"""The command line of each server of a control plane. Starting them is left to `control_plane`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Argv = list[str | Path]
SERVICE_ACCOUNT_KEY = "service-account.key"
TOKENS = "tokens.csv"
KUBECONFIG = "admin.kubeconfig"
KWOK_CONFIGURATION = "kwok.yaml"
# One is enough for bursts of a whole rollout; the default of 20 and 50 a second would be what tests wait for.
_CLIENT_RATE = ("--kube-api-qps=1000", "--kube-api-burst=2000")

_CONTROLLERS_LEFT_OUT = (
    "node-lifecycle",
    "node-ipam",
    "taint-eviction",
    # Publishes a CA's certificate, and retries for ever with ours, which the API server made for itself.
    "kube-apiserver-serving-clustertrustbundle-publisher",
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports of one control plane."""

    etcd: int
    etcd_peer: int
    apiserver: int
    kwok: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one control plane's servers, files and ports are."""

    binaries: Path
    folder: Path
    ports: Ports

    @property
    def certificates(self) -> Path:
        """The folder in which kube-apiserver keeps the certificate it makes for itself."""
        return self.folder / "certificates"

    def etcd(self) -> Argv:
        """Store on memory's terms: what a crash loses is thrown away anyway."""
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.ports.etcd, self.ports.etcd_peer))
        return [
            self.binaries / "etcd",
            "--name=rig",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=rig={peer}",
        ]

    def apiserver(self) -> Argv:
        """RBAC and admission as in a cluster, less what only a kubelet or a network would need."""
        key = self.folder / SERVICE_ACCOUNT_KEY
        return [
            self.binaries / "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.ports.etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.ports.apiserver}",
            # It would publish a loopback address as the `kubernetes` Service's endpoint, which is refused.
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.certificates}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/16",
            f"--token-auth-file={self.folder / TOKENS}",
            "--authorization-mode=RBAC",
            # Taints new Nodes until the node-lifecycle controller, which is not run, takes the taint away.
            "--disable-admission-plugins=TaintNodesByCondition",
            "--kubelet-preferred-address-types=InternalIP",
            "--profiling=false",
        ]

    def controller_manager(self) -> Argv:
        """Run every controller of workloads; none that watches machines, clouds or volumes."""
        return [
            self.binaries / "kube-controller-manager",
            f"--kubeconfig={self.folder / KUBECONFIG}",
            f"--service-account-private-key-file={self.folder / SERVICE_ACCOUNT_KEY}",
            f"--root-ca-file={self.certificates / 'apiserver.crt'}",
            "--use-service-account-credentials=false",
            "--leader-elect=false",
            "--secure-port=0",
            "--controllers=" + ",".join(["*", *(f"-{name}-controller" for name in _CONTROLLERS_LEFT_OUT)]),
            # No metrics server answers it: look seldom.
            "--horizontal-pod-autoscaler-sync-period=60s",
            "--profiling=false",
            *_CLIENT_RATE,
        ]

    def scheduler(self) -> Argv:
        """Place Pods by its default profile."""
        return [
            self.binaries / "kube-scheduler",
            f"--kubeconfig={self.folder / KUBECONFIG}",
            "--leader-elect=false",
            "--secure-port=0",
            "--profiling=false",
            *_CLIENT_RATE,
        ]

    def kwok(self) -> Argv:
        """Play every Node and its Pods, and serve their logs as a kubelet would."""
        return [
            self.binaries / "kwok",
            f"--kubeconfig={self.folder / KUBECONFIG}",
            f"--config={self.folder / KWOK_CONFIGURATION}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=0",
            "--node-ip=127.0.0.1",
            f"--node-port={self.ports.kwok}",
            f"--server-address=127.0.0.1:{self.ports.kwok}",
            f"--tls-cert-file={self.certificates / 'apiserver.crt'}",
            f"--tls-private-key-file={self.certificates / 'apiserver.key'}",
            "--v=WARN",
        ]
