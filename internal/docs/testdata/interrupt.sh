# Runs a command that does not end by itself, interrupts it after its first line of output, and expects success.
set -e
mkfifo lines
"$@" >lines &
exec 3<lines
read -r first <&3
kill $!
cat <&3 >/dev/null
wait $!
rm lines
echo "$first"
