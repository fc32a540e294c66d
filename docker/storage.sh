# shellcheck shell=bash
# To be sourced by the scripts that work without Docker: buildah with storage inside the project's build folder.

if [[ $(id -u) -ne 0 ]]; then
    echo "${0##*/}: to make and mount file systems this is to be run as root." >&2
    exit 1
fi

image_dir=${IMAGE_DIR:-$PWD/.build-image}
mkdir -p "$image_dir"

# overlay where the kernel and the file system under the project let us; vfs, which copies, everywhere else.
if [[ ! -s $image_dir/driver ]]; then
    mkdir -p "$image_dir/probe"/{lower,upper,work,merged}
    if mount -t overlay overlay -o "lowerdir=$image_dir/probe/lower,upperdir=$image_dir/probe/upper,workdir=$image_dir/probe/work" \
        "$image_dir/probe/merged" 2>/dev/null; then
        umount "$image_dir/probe/merged"
        echo overlay >"$image_dir/driver"
    else
        echo vfs >"$image_dir/driver"
    fi
    rm -rf "$image_dir/probe"
fi

buildah() {
    command buildah --root "$image_dir/storage" --runroot "$image_dir/run" --storage-driver "$(<"$image_dir/driver")" "$@"
}
