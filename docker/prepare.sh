#!/bin/sh
# Make docker/keys/: a key pair to log in with, and an ssh_config for the hosts of compose.yaml.
set -eu

cd "$(dirname "$0")"
mkdir -p keys
chmod 700 keys
[ -e keys/id ] || ssh-keygen -q -t ed25519 -N '' -C remotesvc -f keys/id
cp keys/id.pub keys/authorized_keys
chmod 644 keys/authorized_keys  # sshd reads it as the user who logs in

cat >keys/ssh_config <<END
Host bastion
    HostName 127.0.0.1
    Port 2201
    HostKeyAlias bastion

Host inner1 inner2
    ProxyJump bastion

Host bare
    HostName 127.0.0.1
    Port 2202
    HostKeyAlias bare

Host *
    User demo
    IdentityFile $PWD/keys/id
    IdentitiesOnly yes
    UserKnownHostsFile $PWD/keys/known_hosts
    StrictHostKeyChecking accept-new
END
echo "Written: $PWD/keys/ssh_config"
