import HTTP
import Hub

/// The query of a request to `/api/repo`. Unknown parameters are refused: a typing error must never act.
struct RepoQuery {
    /// Say what would happen, and change nothing.
    let isDryRun: Bool

    /// Throws `badRequest` for anything but `dry_run=true` and `dry_run=false`, once.
    init(_ target: Target) throws(Failure) {
        guard let query = target.query, !query.isEmpty else {
            isDryRun = false
            return
        }
        switch query {
        case "dry_run=true": isDryRun = true
        case "dry_run=false": isDryRun = false
        default:
            throw .badRequest(
                "The query may be \"dry_run=true\", to be told what would happen, and nothing else. Nothing was done.")
        }
    }
}
