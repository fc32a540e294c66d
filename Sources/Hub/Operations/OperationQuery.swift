import HTTP

/// The parameters of a query that change what a request does. A parameter that comes twice, or in another spelling, counts for nothing: the
/// Hub may take the other one. Parameters are divided at `;` too, as some readers do.
struct OperationQuery {
    enum Service { case none, uploadPack, other }

    private(set) var service = Service.none
    private(set) var createsPullRequest = false
    /// Some servers let a query override the method.
    private(set) var overridesMethod = false

    init(_ target: Target) {
        let whole = target.pathAndQuery.utf8.span
        guard target.pathLength < whole.count else { return }
        let query = whole.extracting(target.pathLength + 1..<whole.count)
        var (services, pullRequests, isOdd) = (0, 0, false)
        var start = 0
        while start <= query.count {
            var end = start
            while end < query.count, query[end] != UInt8(ascii: "&"), query[end] != UInt8(ascii: ";") { end += 1 }
            if end < query.count, query[end] == UInt8(ascii: ";") { isOdd = true }
            let member = query.extracting(start..<end)
            if Self.isNamed("create_pr", member) {
                pullRequests += 1
                createsPullRequest = Self.isExactly("create_pr=1", member)
            } else if Self.isNamed("service", member) {
                services += 1
                service = Self.isExactly("service=git-upload-pack", member) ? .uploadPack : .other
            } else if Self.isOddlyNamed(member) {
                isOdd = true
            }
            start = end + 1
        }
        if services > 1 || isOdd && services > 0 { service = .other }
        if pullRequests != 1 || isOdd { createsPullRequest = false }
        overridesMethod = Self.namesMethod(query) || Self.decodedNamesMethod(query)
    }

    /// Whether the parameter's name is `name` in any case, perhaps with brackets or dots after it, as `a[]=1` means an array.
    private static func isNamed(_ name: StaticString, _ member: Span<UInt8>) -> Bool {
        let count = name.utf8CodeUnitCount
        guard member.count >= count else { return false }
        for index in 0..<count where unsafe member[index].asciiLowercased != name.utf8Start[index] { return false }
        guard member.count > count else { return true }
        return !member[count].isOfWord
    }

    private static func isExactly(_ text: StaticString, _ member: Span<UInt8>) -> Bool {
        guard member.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<member.count where unsafe member[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether some reader of such a name could find one of ours in it: by an escape, a space, brackets, or letters that are not ASCII.
    private static func isOddlyNamed(_ member: Span<UInt8>) -> Bool {
        for index in 0..<member.count {
            let byte = member[index]
            if byte == UInt8(ascii: "=") { return false }
            if !byte.isOfWord, byte != UInt8(ascii: ".") { return true }
        }
        return false
    }

    /// Whether one of the names in a query is, or contains, `_method` in any case: `_method[]`, `[_method]`, `a._method`. A leading mark may mean the
    /// underscore: PHP reads `.method` and `[method` so.
    private static func namesMethod(_ query: Span<UInt8>) -> Bool {
        var (start, isName, isLed) = (0, true, false)
        for index in 0...query.count {
            let byte = index < query.count ? query[index] : UInt8(ascii: "&")
            guard !byte.isOfWord else { continue }
            let word = query.extracting(start..<index)
            if isName, word.isCaselessly("_method".utf8.span) || isLed && word.isCaselessly("method".utf8.span) {
                return true
            }
            start = index + 1
            switch byte {
            case UInt8(ascii: "&"), UInt8(ascii: ";"): (isName, isLed) = (true, false)
            case UInt8(ascii: "="): isName = false
            default: isLed = word.isEmpty
            }
        }
        return false
    }

    /// The same for a reader that decodes names, or the query as a whole, up to three times.
    private static func decodedNamesMethod(_ query: Span<UInt8>) -> Bool {
        guard query.indices.contains(where: { query[$0] == UInt8(ascii: "%") }) else { return false }
        var text = query.indices.map { query[$0] }
        for _ in 0..<3 where text.contains(UInt8(ascii: "%")) {
            text = Array(PercentEncoding.decode(text).utf8)
            if namesMethod(text.span) { return true }
        }
        return false
    }
}

/// The model in the path of a request for inference.
enum InferencePath {
    /// Whether each reader takes it as the same model. One that is not plain counts as a model without a name here: only a rule for all matches it,
    /// and each rule that denies.
    static func isPlainModel(_ model: Span<UInt8>) -> Bool {
        guard model.count <= 512 else { return false }
        var start = 0
        for index in 0...model.count {
            if index == model.count || model[index] == UInt8(ascii: "/") {
                // A server could resolve a dot segment, and call another model.
                switch index - start {
                case 0: return false
                case 1...2: if model.extracting(start..<index).isDots { return false }
                default: break
                }
                start = index + 1
                continue
            }
            switch model[index] {
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "@"): break
            default: guard model[index].isASCIIAlphanumeric else { return false }
            }
        }
        return true
    }

    /// `acme/x` of `/hf-inference/models/acme/x[/…]`, else all of the path after its first slash, the provider's name for it.
    static func model(_ target: Target) -> HubResource {
        let path = target.pathAndQuery.utf8.span.extracting(first: target.pathLength)
        guard isPlainModel(path.extracting(1..<path.count)) else { return HubResource(model: "") }
        let whole = HubResource(.model, .model, target.pathAndQuery, 0..<0, 1..<target.pathLength)
        for prefix in ["/hf-inference/models/", "/api/inference-proxy/hf-inference/models/"]
        where target.pathBegins(with: prefix) {
            let start = prefix.utf8.count
            var (end, slashes) = (start, 0)
            while end < path.count {
                if path[end] == UInt8(ascii: "/") { slashes += 1 }
                if slashes == 2 { break }
                end += 1
            }
            return HubResource(.model, .model, target.pathAndQuery, 0..<0, start..<end)
        }
        // OpenAI's calls name the model in the body alone.
        let isOpenAI = ["/chat/completions", "/embeddings", "/responses", "/images/generations"].contains {
            target.pathEnds(with: $0)
        }
        return isOpenAI ? .none : whole
    }
}

extension Span<UInt8> {
    fileprivate var isDots: Bool {
        for index in 0..<count where self[index] != UInt8(ascii: ".") { return false }
        return true
    }
}

extension UInt8 {
    /// Whether it can be in the middle of a plain name.
    fileprivate var isOfWord: Bool { isASCIIAlphanumeric || self == UInt8(ascii: "_") || self == UInt8(ascii: "-") }
}
