# SPDX-License-Identifier: MPL-2.0
"""The one exception for what the user can mend; its text is the whole message."""


class Problem(Exception):
    pass
