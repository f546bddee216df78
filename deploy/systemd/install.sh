#!/bin/sh
# Installs the units for this checkout, the user that they run as, and the command `broadsheet`.
# `make service` runs this as root. It starts nothing, and is safe to repeat.
# DESTDIR=FOLDER writes the same files below FOLDER and changes nothing else.
set -eu
cd "$(dirname "$0")/../.."
checkout=$(pwd -P)
root=${DESTDIR:-}
state=/var/lib/broadsheet

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || { echo "Only root can install services: sudo make service"; exit 1; }
  getent passwd broadsheet >/dev/null ||
    useradd --system --user-group --home-dir "$state" --shell /usr/sbin/nologin broadsheet
  install -d -o broadsheet -g broadsheet -m 750 "$state"
  # What `make run` may have left in the checkout moves to where services can write.
  if [ -d .broadsheet ] && [ ! -L .broadsheet ]; then
    cp -a .broadsheet/. "$state"
    rm -r .broadsheet
    chown -R broadsheet:broadsheet "$state"
  fi
  [ -L .broadsheet ] || ln -s "$state" .broadsheet
  [ ! -e .env ] || { chgrp broadsheet .env && chmod 640 .env; }
fi

(cd deploy/systemd && find . -type f ! -name install.sh) | while read -r unit; do
  target=$root/etc/systemd/system/$unit
  mkdir -p "$(dirname "$target")"
  sed "s|/opt/broadsheet|$checkout|g" "deploy/systemd/$unit" >"$target"
  chmod 644 "$target"
done

mkdir -p "$root/usr/local/bin"
cat >"$root/usr/local/bin/broadsheet" <<END
#!/bin/sh
# The commands of $checkout/manage.py, as the user of the services. Only root writes .env.
set -eu
cd "$checkout"
case "\${1:-} \$(id -un)" in
  "make_env "* | *" broadsheet") exec .venv/bin/python manage.py "\$@" ;;
esac
exec runuser -u broadsheet -- .venv/bin/python manage.py "\$@"
END
chmod 755 "$root/usr/local/bin/broadsheet"

[ -n "$root" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
echo "Installed: broadsheet.target and its units, and the command broadsheet."
