#!/bin/sh
# What a container of these images runs: host keys and a password of its own, then sshd.
#
# No image holds a secret. Host keys are made when a container starts. The password of `demo` (the
# image with sudo) is what PASSWORD says, else a random one, which is told once, in the log.
set -eu

ssh-keygen -A >/dev/null
mkdir -p /run/sshd

if [ -x /usr/bin/sudo ]; then
    if [ -z "${PASSWORD:-}" ]; then
        PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
        echo "password of demo: $PASSWORD"
    fi
    printf 'demo:%s\n' "$PASSWORD" | chpasswd
    unset PASSWORD
fi

exec /usr/sbin/sshd -D -e -f /etc/remotesvc/sshd_config
