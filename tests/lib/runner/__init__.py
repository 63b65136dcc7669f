# SPDX-License-Identifier: MPL-2.0
"""What runs tests in virtual machines: see tests/lib/README.md."""
