@testable import Hub
import Testing

/// The failure that `body` throws; a recorded issue and nil if it throws none.
func failure(
    of body: () throws(Failure) -> Void, sourceLocation: SourceLocation = #_sourceLocation
) -> Failure? {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error
    }
}

func json(_ text: String) throws(Failure) -> JSON {
    try JSON.parse(Array(text.utf8))
}
