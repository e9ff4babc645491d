#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# changelog.sh VERSION FILE - let debian/changelog begin with this version
#
# Between releases: an entry for what is built now, above the last release's.

set -eu
version=$1 file=$2
[ "$(dpkg-parsechangelog -l "$file" -S Version)" != "$version" ] || exit 0
{
	printf 'stt (%s) unstable; urgency=medium\n\n' "$version"
	printf '  * Built between releases: see CHANGELOG.md.\n\n'
	printf ' -- %s  %s\n\n' \
		"$(dpkg-parsechangelog -l "$file" -S Maintainer)" "$(date -R)"
	cat "$file"
} >"$file.new"
mv "$file.new" "$file"
