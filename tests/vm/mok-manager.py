#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""mok-manager.py PASSWORD COMMAND...: the person in front of the machine

Runs COMMAND, a QEMU whose standard input and output is the machine's serial
port, and enrolls the key that "mokutil --import" left for shim's MokManager:
what a person reads on that screen and types there. Succeeds when the machine
ends as its last menu is left.
"""
import os
import re
import select
import subprocess
import sys
import time

ENTER = "\r"
DOWN = "\x1b[B"
PATIENCE = 300          # seconds that a screen may take to appear, emulated


class Screen:
    """What the machine has said since the last key."""

    def __init__(self, command):
        self.machine = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.said = ""

    def wait(self, text):
        """Until the text is there, without colours, places and spaces."""
        end = time.monotonic() + PATIENCE
        while not re.search(text, re.sub(r"\s|\x1b\[[0-9;=]*[A-Za-z]", "",
                                         self.said)):
            if not select.select([self.machine.stdout], [], [],
                                 end - time.monotonic())[0]:
                sys.exit(f"waited for {text}, saw: {self.said!r}")
            data = os.read(self.machine.stdout.fileno(), 4096)
            if not data:
                sys.exit(f"ended before {text}: {self.said!r}")
            self.said += data.decode(errors="replace")

    def type(self, *keys):
        """Each when the one before has been taken: firmware has no buffer."""
        for key in keys:
            time.sleep(1)
            self.machine.stdin.write(key.encode())
            self.machine.stdin.flush()
        self.said = ""


def main():
    screen = Screen(sys.argv[2:])
    screen.wait("PressanykeytoperformMOKmanagement")
    screen.type(" ")
    screen.wait("Continueboot.*EnrollMOK")
    screen.type(DOWN, ENTER)
    screen.wait("Viewkey0.*Continue")
    screen.type(DOWN, ENTER)
    screen.wait(r"Enrollthekey\(s\)\?.*Yes")
    screen.type(DOWN, ENTER)
    screen.wait("Password:")
    screen.type(*sys.argv[1], ENTER)
    screen.wait("Reboot")
    screen.type(ENTER)
    sys.exit(screen.machine.wait(PATIENCE))


main()
