# A working day on a mounted drive, as shells and editors spend it. Ends at the first thing that is not as on a disk.
#   sh working-day.sh <folder on the drive> <empty local folder>
set -eu
drive=$1 local=$2
step() { echo "== $*"; }

step 'a tree comes in and is what it was'
mkdir -p "$local/tree/a/b/c" "$local/tree/empty"
for i in 1 2 3 4 5; do seq $((i * 1000)) > "$local/tree/a/b/c/$i.txt"; done
head -c 300000 /dev/urandom > "$local/tree/a/blob.bin"
: > "$local/tree/a/nothing"
mkdir "$drive/day"
cd "$drive/day"
cp -r "$local/tree" tree
diff -r "$local/tree" tree

step 'appending'
echo one > notes.txt
echo two >> notes.txt
echo three >> notes.txt
[ "$(cat notes.txt)" = "$(printf 'one\ntwo\nthree')" ]

step 'sed -i'
sed -i 's/two/TWO/' notes.txt
[ "$(sed -n 2p notes.txt)" = TWO ]

step 'saving as vim does: a backup by rename, the new file, the backup gone'
echo 4913 > 4913 && rm 4913
mv notes.txt notes.txt~
printf 'one\nTWO\nthree\nfour\n' > notes.txt
rm notes.txt~
[ "$(wc -l < notes.txt)" -eq 4 ]

step 'saving as others do: a temporary file moved over the old one'
echo saved > .notes.tmp
mv -f .notes.tmp notes.txt
[ "$(cat notes.txt)" = saved ]

step 'renaming a file and a folder'
mv notes.txt renamed.txt
[ "$(cat renamed.txt)" = saved ]
[ ! -e notes.txt ]
mv tree/a/b tree/a/moved
diff -r "$local/tree/a/b" tree/a/moved
mv tree/a/moved moved
diff -r "$local/tree/a/b" moved

step 'truncating and overwriting'
seq 10000 > long.txt
echo short > long.txt
[ "$(cat long.txt)" = short ]

step 'awkward names'
mkdir 'names #1'
for name in 'a b' '#hash' '100%' '%41' 'semi;colon' 'a&b' "it's" 'ünïc ☃' '+plus+' '[x](y){z}' '~tilde' '.hidden' '@at' '$dollar' 'a=b,c!'; do
  echo "$name" > "names #1/$name"
  mv "names #1/$name" "names #1/$name.x"
  [ "$(cat "names #1/$name.x")" = "$name" ]
done
[ "$(ls -A 'names #1' | wc -l)" -eq 15 ]

step '20 MB'
head -c 20000000 /dev/urandom > "$local/large"
cp "$local/large" large
cmp "$local/large" large

step '200 files'
mkdir many
i=0
while [ $i -lt 200 ]; do
  echo $i > many/$i
  i=$((i + 1))
done
[ "$(ls many | wc -l)" -eq 200 ]
[ "$(cat many/* | sort -n | tail -1)" -eq 199 ]

step 'the free space is known'
df -P . | tail -1
[ "$(df -P . | tail -1 | awk '{print $4}')" -gt 0 ]

step 'deleting'
rm -r many moved
[ ! -e many ]
rm large
step done
