extension MetricsTable {
    static let files = Group(
        title: "The file cache",
        rows: [
            MetricRow(
                .fileCacheRequests, "hubgate_file_cache_requests_total", .counter,
                "Requests for files that the file cache answered (hit: all of what was asked for was there).",
                by: [MetricLabel("result", MetricLabels.FileCacheResult.self)]),
            MetricRow(
                .fileCacheSentBytes, "hubgate_file_cache_sent_bytes_total", .counter,
                "Bytes of files that were served from cache_dir."),
            MetricRow(
                .fileCacheFills, "hubgate_file_cache_fills_total", .counter,
                "Calls to a store to fill a file of cache_dir, or the rest of one."),
            MetricRow(
                .fileCacheFilledBytes, "hubgate_file_cache_filled_bytes_total", .counter,
                "Bytes that came from a store into cache_dir."),
            MetricRow(
                .fileCacheVerified, "hubgate_file_cache_verified_total", .counter,
                "Files that were fetched whole, with the SHA-256 that the Hub names."),
            MetricRow(
                .fileCacheCorrupt, "hubgate_file_cache_corrupt_total", .counter,
                "Damaged content that was dropped (transit: a whole file with another SHA-256; disk: a piece that differs from what was "
                    + "written).",
                by: [MetricLabel("place", MetricLabels.Corruption.self)]),
            MetricRow(
                .fileCacheEvictions, "hubgate_file_cache_evictions_total", .counter,
                "Files that were removed to make room."),
            MetricRow(
                .fileCacheBytes, "hubgate_file_cache_bytes", .gauge,
                "Bytes that the files in cache_dir take; cache_size is the most, but for what comes in a second."),
            MetricRow(.fileCacheFiles, "hubgate_file_cache_files", .gauge, "Files in cache_dir."),
            MetricRow(
                .fileCacheUp, "hubgate_file_cache_up", .gauge,
                "Workers that keep files in cache_dir; one that cannot write there serves without it."),
        ])
}

extension MetricLabels {
    /// What part the file cache had in a response.
    enum FileCacheResult: Int, MetricLabelValue {
        case hit, miss
    }

    /// Where a file was damaged.
    enum Corruption: Int, MetricLabelValue {
        case transit, disk
    }
}
