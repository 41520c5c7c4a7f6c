"""Health check of the Dask process in this container; one that serves no route for it is well.

Nothing but the standard library is loaded: this runs every half minute beside a busy worker.
"""

import http.client
import sys

PORTS = (8787, 8788)


def main(ports: tuple[int, ...] = PORTS, seconds: float = 8.0) -> int:
    """Give 1 where a port is served and its health route does not answer well, else 0."""
    for port in ports:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        try:
            connection.request("GET", "/health")
            well = connection.getresponse().status == http.client.OK
        except ConnectionRefusedError:
            continue
        except (OSError, http.client.HTTPException):
            well = False
        finally:
            connection.close()
        if not well:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
