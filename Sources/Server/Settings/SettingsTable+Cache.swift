import EventIO
import HTTP

extension SettingsTable {
    static let cache = Group(
        title: "The cache",
        settings: [
            Setting(
                "cache_memory", \.cacheMemory, .bytes(.mebibytes(1) ... .mebibytes(65_536), orOff: true),
                "Memory of each worker for cached responses of the Hub; several workers have the same amount once more, which they share.",
                reloadable: true),
            Setting(
                "cache_object_limit", \.cacheObjectLimit, .bytes(.kibibytes(1) ... .mebibytes(4)),
                "The largest response that is cached in memory.", reloadable: true),
            Setting(
                "metadata_ttl", \.metadataTTL, .duration(Duration.seconds(1)...Duration.seconds(86_400)),
                "How long a cached response is fresh; after that it is revalidated with the Hub. What a commit's hash names is immutable.",
                reloadable: true),
            Setting(
                "metadata_stale", \.metadataStale,
                .duration(Duration.seconds(1)...Duration.seconds(86_400), orOff: true),
                "How long after that the stale response is still served, while it is revalidated.", reloadable: true),
            Setting(
                "stale_if_error", \.staleIfError,
                .duration(Duration.seconds(1)...Duration.seconds(2_592_000), orOff: true),
                "How long a stale response is served when the Hub cannot be reached, or answers 5xx or 429.",
                reloadable: true),
            Setting(
                "cache_dir", \.cacheDirectory, .pathOrOff,
                "A directory for large files of the Hub (Git LFS and Xet): each is fetched once and served to all clients that may read it.",
                sample: "/var/cache/hubgate"),
            Setting(
                "cache_size", \.cacheSize, .bytesOrShare(.mebibytes(64) ... .mebibytes(1 << 30)),
                "The most bytes in cache_dir, or its share of the file system; the files that are used least are removed. A twentieth of the file system, 8GiB at most, is left free.",
                reloadable: true),
            Setting(
                "cache_finish", \.cacheFinish, .bytes(.mebibytes(1) ... .mebibytes(1 << 20), orOff: true),
                "When the last client of a download leaves, the gateway still fetches the rest of the file if no more than this is missing, or if half of it is there.",
                reloadable: true),
        ])
}
