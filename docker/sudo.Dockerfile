# A host with an sshd, a Python, and a user `demo` who becomes root by sudo with a password.
#
#     docker build -f sudo.Dockerfile .
#
# The password is made when a container starts (see entry.sh): none is in the image.
ARG BASE=debian:12-slim
FROM ${BASE}
ARG PACKAGES=python3

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openssh-server sudo $PACKAGES \
    && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*

RUN useradd --create-home --shell /bin/sh --password '*' demo \
    && echo 'demo ALL=(ALL:ALL) ALL' >/etc/sudoers.d/demo \
    && chmod 0440 /etc/sudoers.d/demo

COPY sshd_config entry.sh /etc/remotesvc/
EXPOSE 22
CMD ["/etc/remotesvc/entry.sh"]
