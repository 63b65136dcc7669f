# SPDX-License-Identifier: MPL-2.0
"""A machine with a virtio network card on QEMU's user network: init brings it up by DHCP, and it reaches the host."""

import http.server
import threading

from runner import image
from runner.scenarios import Skip

TEXT = b"the host says hello to its guest\n"


class Answer(http.server.BaseHTTPRequestHandler):
    """Every GET gets TEXT."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Not on the test's output."""


def reach_host(options, name, device):
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    card = ["-netdev", "user,id=net", "-device", f"{device},netdev=net"]
    with image.boot(options, [image.layer(name)], name, more=card) as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("for i in $(seq 100); do ip -4 addr show eth0 | grep -q inet && break; sleep 0.2; done")
        text = shell.check("ip -4 addr show eth0; ip route; cat /etc/resolv.conf")
        for wanted in ("10.0.2.15/24", "default via 10.0.2.2 dev eth0", "nameserver 10.0.2.3"):
            if wanted not in text:
                raise AssertionError(f"no {wanted}: {text}")
        shell.check("ping -c 2 -W 10 10.0.2.2")
        text = shell.check(f"wget -q -O - http://10.0.2.2:{server.server_port}/")
        if TEXT.decode().strip() not in text:
            raise AssertionError(f"wget brought {text!r}")
        shell.power_off()
    server.shutdown()


def scenario_card_comes_up_by_dhcp(options):
    if options.kernel != "keelson":
        raise Skip("the oracle's initramfs brings no network driver")
    reach_host(options, "network", "virtio-net-pci")
