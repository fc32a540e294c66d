import EventIO
import HTTP

extension SettingsTable {
    static let cache = Group(
        title: "The cache",
        settings: [
            Setting(
                "cache_memory", \.cacheMemory, .bytes(.mebibytes(1) ... .mebibytes(65_536), orOff: true),
                "Memory of each worker for small responses of the Hub that are kept for those who ask the same; several workers have as much once more, which they share.",
                reloadable: true),
            Setting(
                "cache_object_limit", \.cacheObjectLimit, .bytes(.kibibytes(1) ... .mebibytes(4)),
                "The largest response that is kept.", reloadable: true),
            Setting(
                "metadata_ttl", \.metadataTTL, .duration(Duration.seconds(1)...Duration.seconds(86_400)),
                "How long a response is given out again before the Hub is asked whether it is still right. What a commit's hash names is immutable.",
                reloadable: true),
            Setting(
                "metadata_stale", \.metadataStale,
                .duration(Duration.seconds(1)...Duration.seconds(86_400), orOff: true),
                "For so long after that it is still given out, while the Hub is being asked.", reloadable: true),
            Setting(
                "stale_if_error", \.staleIfError,
                .duration(Duration.seconds(1)...Duration.seconds(2_592_000), orOff: true),
                "For so long it is given out where the Hub cannot be reached, or answers 5xx or 429.", reloadable: true),
            Setting(
                "cache_dir", \.cacheDirectory, .pathOrOff,
                "A directory for large files of the Hub (Git LFS and Xet), which are fetched once and served to all who may have them.",
                sample: "/var/cache/hubgate"),
            Setting(
                "cache_size", \.cacheSize, .bytesOrShare(.mebibytes(64) ... .mebibytes(1 << 30)),
                "The most bytes in cache_dir, or its share of the file system; what was asked for least goes. A twentieth of the file system, 8GiB at most, is left free.",
                reloadable: true),
            Setting(
                "cache_finish", \.cacheFinish, .bytes(.mebibytes(1) ... .mebibytes(1 << 20), orOff: true),
                "A file of which no more than this is missing is fetched to its end when its last client leaves; so is one that is there by half.",
                reloadable: true),
        ])
}
