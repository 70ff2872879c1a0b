# A host with an sshd and no Python at all.
#
#     docker build -f bare.Dockerfile .
ARG BASE=debian:12-slim
FROM ${BASE}

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openssh-server \
    && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* \
    && ! command -v python3

RUN useradd --create-home --shell /bin/sh --password '*' demo

COPY sshd_config entry.sh /etc/remotesvc/
EXPOSE 22
CMD ["/etc/remotesvc/entry.sh"]
