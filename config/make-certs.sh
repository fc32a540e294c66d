#!/bin/sh
# Makes a certificate authority of this machine's own and a certificate that hubgate serves TLS with:
#   ca.pem  for clients to trust      cert.pem, key.pem  for hubgate      ca.key  signs renewals; for nobody else
#
#   config/make-certs.sh [--force] [--out DIRECTORY] [NAME...]
#
# NAME: a further DNS name or IP address that clients call this gate by. Names once given are remembered (DIRECTORY/names).
# A valid set is kept. A certificate about to expire is renewed by the same authority, so clients need nothing new.
# A name that the authority is not limited to (below), or --force, makes a new authority: give clients the new ca.pem.
set -eu

force=no
out=certs
while [ $# -gt 0 ]; do
    case $1 in
        --force) force=yes ;;
        --out) out=$2 && shift ;;
        --) shift && break ;;
        -*) echo "make-certs.sh: unknown option $1" >&2 && exit 2 ;;
        *) break ;;
    esac
    shift
done

ca_days=825          # no client here accepts more from an authority of one's own
leaf_days=397        # browsers' bound for a server certificate
renew_before=2592000 # 30 days, in seconds

ca=$out/ca.pem
ca_key=$out/ca.key
cert=$out/cert.pem
key=$out/key.pem
remembered=$out/names

if [ -s "$cert" ] && [ ! -e "$ca_key" ] && [ "$force" = no ]; then
    echo "make-certs.sh: $cert is not of this script's making and is left alone." >&2
    exit 0
fi

umask 077
mkdir -p "$out"
chmod 755 "$out"

is_address() {
    case $1 in
        *:*) return 0 ;;
        *[!0-9.]*) return 1 ;;
        *.*.*.*) return 0 ;;
        *) return 1 ;;
    esac
}
is_name() { printf '%s\n' "$1" | grep -Eqx '([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'; }

# localhost, the name that docker/compose.yaml gives the gateway, this machine, what was asked for now and before.
names=
add() {
    case " $names " in
        *" $1 "*) ;;
        *) names="$names $1" ;;
    esac
}
for name in localhost hubgate 127.0.0.1 ::1; do add "$name"; done
if is_name "$(uname -n)"; then add "$(uname -n)"; fi
for name in "$@"; do
    if ! is_address "$name" && ! is_name "$name"; then
        echo "make-certs.sh: '$name' is neither a host name nor an IP address" >&2
        exit 2
    fi
    add "$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')"
done
if [ -f "$remembered" ]; then
    while read -r name; do add "$name"; done <"$remembered"
fi
names=${names# }

authority_is_good() {
    [ -s "$ca" ] && [ -s "$ca_key" ] && openssl x509 -in "$ca" -noout -checkend "$renew_before" >/dev/null &&
        [ "$(openssl x509 -in "$ca" -noout -pubkey)" = "$(openssl pkey -in "$ca_key" -pubout 2>/dev/null)" ]
}
pair_is_good() {
    [ -s "$cert" ] && [ -s "$key" ] && [ -s "$remembered" ] && openssl x509 -in "$cert" -noout -checkend "$renew_before" >/dev/null &&
        [ "$(openssl x509 -in "$cert" -noout -pubkey)" = "$(openssl pkey -in "$key" -pubout 2>/dev/null)" ] &&
        openssl verify -x509_strict -purpose sslserver -CAfile "$ca" "$cert" >/dev/null 2>&1 &&
        [ "$names" = "$(tr '\n' ' ' <"$remembered" | sed 's/ $//')" ]
}

if [ "$force" = no ] && authority_is_good && pair_is_good; then
    exit 0
fi

work=$(mktemp -d "$out/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

san=""
permitted=""
for name in $names; do
    if is_address "$name"; then
        san="$san,IP:$name"
        case $name in
            127.*) ;; # all of 127.0.0.0/8 is, below
            *:*) permitted="$permitted,permitted;IP:$name/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" ;;
            *) permitted="$permitted,permitted;IP:$name/255.255.255.255" ;;
        esac
    else
        san="$san,DNS:$name"
        permitted="$permitted,permitted;DNS:$name"
    fi
done

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
serial() { printf '0x5%s' "$(openssl rand -hex 15)"; }

# An authority in a browser's store could vouch for any site to who has its key; this one can only for its own names
# (and those below them). Clients check that, so a stolen ca.key is worth no more than a stolen key.pem.
make_authority() {
    new_key "$work/ca.key"
    cat >"$work/ca.cnf" <<CNF
[req]
prompt = no
distinguished_name = subject
x509_extensions = authority
[subject]
O = hubgate
CN = hubgate local authority $(date -u +%Y-%m-%d) $(openssl rand -hex 3)
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;IP:127.0.0.0/255.0.0.0$permitted
CNF
    openssl req -x509 -new -sha256 -config "$work/ca.cnf" -key "$work/ca.key" -days "$ca_days" -set_serial "$(serial)" \
        -out "$work/ca.pem"
}

# $1, $2: the authority's certificate and key
make_certificate() {
    new_key "$work/key.pem"
    # A certificate must not outlive its issuer.
    days=$leaf_days
    while [ "$days" -gt 1 ] && ! openssl x509 -in "$1" -noout -checkend "$((days * 86400))" >/dev/null; do
        days=$((days - 1))
    done
    cat >"$work/leaf.cnf" <<CNF
[req]
prompt = no
distinguished_name = subject
[subject]
O = hubgate
CN = hubgate
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = ${san#,}
CNF
    openssl req -new -sha256 -config "$work/leaf.cnf" -key "$work/key.pem" -out "$work/leaf.csr"
    openssl x509 -req -sha256 -in "$work/leaf.csr" -CA "$1" -CAkey "$2" -days "$days" -set_serial "$(serial)" \
        -extfile "$work/leaf.cnf" -extensions leaf -out "$work/cert.pem" 2>/dev/null
    openssl verify -x509_strict -purpose sslserver -CAfile "$1" "$work/cert.pem" >/dev/null 2>&1
}

if [ "$force" = no ] && authority_is_good && make_certificate "$ca" "$ca_key"; then
    echo "Renewed the certificate; $ca is as before."
else
    make_authority
    make_certificate "$work/ca.pem" "$work/ca.key" || {
        echo "make-certs.sh: openssl does not accept what it has made for: $names" >&2
        exit 1
    }
    mv "$work/ca.key" "$ca_key"
    mv "$work/ca.pem" "$ca"
    echo "Made a new authority: clients are to trust $ca."
fi
mv "$work/key.pem" "$key"
mv "$work/cert.pem" "$cert"
printf '%s\n' "$names" | tr ' ' '\n' >"$remembered"
chmod 600 "$ca_key" "$key"
chmod 644 "$ca" "$cert" "$remembered"
echo "$cert is for: $names"
openssl x509 -in "$cert" -noout -enddate | sed 's/notAfter=/and valid until /'
