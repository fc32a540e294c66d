# shellcheck shell=sh
# To be sourced: reads .env as hubgate itself does, without running it as shell, for what hands variables on to a container.

# KEY=VALUE lines, optional `export` and quotes; what the environment already has stays.
load_env() {
    [ -f "$1" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        line=${line#export }
        name=${line%%=*}
        case $line in
            \#* | [!A-Za-z_]* | '') continue ;;
            *=*) ;;
            *) continue ;;
        esac
        case $name in
            *[!A-Za-z0-9_]*) continue ;;
        esac
        value=${line#*=}
        case $value in
            \"*\") value=${value#\"} && value=${value%\"} ;;
            \'*\') value=${value#\'} && value=${value%\'} ;;
        esac
        eval "[ \"\${$name+set}\" = set ]" || export "$name=$value"
    done <"$1"
}

has_token() { [ -n "${HUBGATE_TOKEN:-}${HF_ACCESS_TOKEN:-}${HF_TOKEN:-}${HUBGATE_TOKEN_FILE:-}" ]; }
