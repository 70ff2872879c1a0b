#!/bin/sh
# What a container of these images runs: host keys and a password of its own, then sshd.
#
# No image holds a secret. Host keys are made when a container starts. The password of `demo` (the
# image with sudo) is the line in /run/secrets/password, else a random one, told once in the log.
set -eu

ssh-keygen -A >/dev/null
mkdir -p /run/sshd

if [ -x /usr/bin/sudo ]; then
    if [ -r /run/secrets/password ]; then
        read -r password </run/secrets/password
    else
        password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
        echo "password of demo: $password"
    fi
    printf 'demo:%s\n' "$password" | chpasswd
fi

exec /usr/sbin/sshd -D -e -f /etc/remotesvc/sshd_config
