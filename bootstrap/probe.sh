# Find a Python and start stage0 in it. Runs in any POSIX sh, sent as one line (see command.py).
#   $0  the launcher, a one-line Python program
#   $1  stage0, with ~ for newlines      $2  the size of the payload      $3...  candidates
# 93: no candidate exists here. Every line ends in ; or a keyword, so that lines can be joined.
s=$1; n=$2; shift 2;
for p do
shift;
command -v "$p" >/dev/null 2>&1 && exec "$p" -Bc "$0" "$0" "$s" $n "$@";
done;
echo "remotesvc: no Python found on this host" >&2;
exit 93
