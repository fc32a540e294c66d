import HTTP
import Hub

/// What the gateway spends and keeps.
extension AdminRoutes {
    private typealias Parameter = AdminRoute.Parameter

    private static let rows: JSON = ["type": "integer", "minimum": 1, "maximum": 200]
    private static let day: JSON = ["type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"]

    static let resources = [
        AdminRoute(
            .usage, .get, "/usage", "What keys did, added up: requests, bytes, and tokens of models.",
            query: [
                Parameter(
                    "by", "What is added up.",
                    ["enum": .array(UsageTable.Grouping.allCases.map { .string($0.rawValue) })], example: "repo"),
                Parameter("key", "Only what the key of this name did.", example: "ml"),
                Parameter(
                    "since", "How far to look back, in whole days: 7d, or a day such as 2026-11-01 (UTC).",
                    ["type": "string", "pattern": "^([1-9][0-9]{0,2}[dhm]|2026-0[1-9]-[0-2][1-8])$"], example: "30d"),
                Parameter("until", "The last day; today unless said.", day, example: "2099-11-28"),
                Parameter("limit", "How many rows, from 1 to 200, those with the most requests.", rows, example: 50),
            ],
            result: "Usage", needsKeys: true),
        AdminRoute(
            .budget, .get, "/budget",
            "What is left of the Hub's rate limit, until when, who spends it and who waits; of all workers.",
            result: "Budget"),
        AdminRoute(
            .cache, .get, "/cache",
            "What is cached in memory and on the disk, and how many calls that saves; of all workers.",
            result: "Cache"),
        AdminRoute(
            .purgeCache, .post, "/cache/purge",
            "Drops all cached responses, or those of repositories: what was fetched before now is not served again.",
            body: "Purge", example: ["repositories": ["acme/m"]], result: "Done"),
        AdminRoute(
            .keptFiles, .get, "/cache/files", "The files of cache_dir by their SHA-256, a page at a time.",
            query: [
                Parameter(
                    "after", "The member next of the page before.", ["type": "string", "pattern": "^[0-9a-f]{64}$"],
                    example: .string(String(repeating: "0", count: 64))),
                Parameter("limit", "How many, from 1 to 200.", rows, example: 50),
            ], result: "KeptFiles"),
        AdminRoute(
            .removeFile, .delete, "/cache/files/{sha256}",
            "Removes a file of cache_dir; the next request fetches it again.",
            result: "Done"),
    ]
}
