"""TLS certificates of one cluster, made fresh: whoever holds them may talk to it."""

from dataclasses import dataclass, field
from pathlib import Path

from distributed import Security

FILES = ("ca.crt", "tls.crt", "tls.key")


@dataclass(frozen=True)
class Certificates:
    """A self-signed pair that scheduler, workers and clients share.

    Parameters
    ----------
    certificate, key
        Texts in PEM. The certificate is its own authority.
    """

    certificate: str
    key: str = field(repr=False)

    def contents(self) -> dict[str, str]:
        """Texts by file name, as a Secret of the type ``kubernetes.io/tls`` has them."""
        return dict(zip(FILES, (self.certificate, self.certificate, self.key), strict=True))

    def write(self, folder: Path) -> None:
        """Write the files, readable by their owner alone."""
        for name, text in self.contents().items():
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii")

    def security(self) -> Security:
        """What Dask's client, scheduler and workers are given to talk with it."""
        return Security(  # type: ignore[no-untyped-call]
            tls_ca_file=self.certificate,
            tls_client_cert=self.certificate,
            tls_client_key=self.key,
            tls_scheduler_cert=self.certificate,
            tls_scheduler_key=self.key,
            tls_worker_cert=self.certificate,
            tls_worker_key=self.key,
            require_encryption=True,
        )


def make() -> Certificates:
    """Make a pair that is valid for a year."""
    made = Security.temporary()  # type: ignore[no-untyped-call]
    return Certificates(made.tls_ca_file, made.tls_client_key)
