# A host with an sshd and one Python. The base brings the Python, or PACKAGES does:
#
#     docker build -f python.Dockerfile --build-arg BASE=python:3.8-slim .
#     docker build -f python.Dockerfile --build-arg BASE=debian:12-slim --build-arg PACKAGES=python3 .
ARG BASE=python:3.13-slim
FROM ${BASE}
ARG PACKAGES=

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openssh-server $PACKAGES \
    && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*

# "*" is a password that nothing matches; the "!" of a new account would keep keys out as well.
RUN useradd --create-home --shell /bin/sh --password '*' demo

COPY sshd_config entry.sh /etc/remotesvc/
EXPOSE 22
CMD ["/etc/remotesvc/entry.sh"]
