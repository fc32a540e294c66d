import HTTP
import Testing

@Suite("Words of paths")
struct PathPartsTests {
    @Test(
        "A word is found wherever it stands, shorter or longer than the bytes that are compared first",
        arguments: ["/a", "/raw/", "/resolve", "/resolve/", "/git-upload-pack"])
    func found(_ word: String) {
        let parts = PathParts([word])
        for path in [word, "/x" + word, word + "x", "/x/y" + word + "z?q=1", "/" + word] {
            #expect(path.contains(anyOf: parts), "\(path)")
        }
        for path in ["", "/", String(word.dropLast()), String(word.dropFirst()), "/x/" + word.dropFirst(2)] {
            #expect(!path.contains(anyOf: parts), "\(path)")
        }
    }

    @Test("Whole segments end with a slash, with the query or with the path")
    func whole() {
        let parts = PathParts(whole: ["/events", "/xet-read-token"])
        for path in ["/events", "/a/events?b", "/a/events/c", "/api/models/a/b/xet-read-token/main"] {
            #expect(path.contains(anyOf: parts), "\(path)")
        }
        for path in ["/events-of-b", "/a/eventsb", "/a/event", "/xet-read-tokens"] {
            #expect(!path.contains(anyOf: parts), "\(path)")
        }
    }

    @Test("The words of many are found as the words of each")
    func joined() {
        let many = PathParts(anyOf: [["/tree/", "/paths-info/"], PathParts(whole: ["/events"])])
        for path in ["/a/tree/main", "/a/paths-info/main", "/a/events", "/a/events-of-b"] {
            #expect(path.contains(anyOf: many), "\(path)")
        }
        #expect(!"/a/trees/main".contains(anyOf: many))
    }

    @Test("Any path has the words that a plain search finds in it")
    func asASearch() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("/ab")
        func text(_ length: Int) -> String {
            String((0..<length).map { _ in letters.randomElement(using: &random) ?? "/" })
        }
        for _ in 0..<2000 {
            let words = (1...3).map { _ in "/" + text(.random(in: 1...11, using: &random)) }
            let path = text(.random(in: 0...40, using: &random))
            let isThere = words.contains { path.utf8.count >= $0.utf8.count && stands($0, in: path) }
            #expect(path.contains(anyOf: PathParts(words)) == isThere, "\(words) in \(path)")
        }
    }

    private func stands(_ word: String, in path: String) -> Bool {
        let (word, path) = (Array(word.utf8), Array(path.utf8))
        return (0...path.count - word.count).contains { Array(path[$0..<$0 + word.count]) == word }
    }
}
