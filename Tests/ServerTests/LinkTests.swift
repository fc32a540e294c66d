@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("The Link field")
struct LinkTests {
    @Test(
        "A value is taken apart at the commas between links, and comes back as it was",
        arguments: [
            (#"<a>; rel="next""#, ["a"]), (#"<a,b>; rel="x y"; title="c, <d>", <e>"#, ["a,b", "e"]),
            (#" <a> ; rel=x ,<b>;title="\",<c>\"""#, ["a", "b"]), ("", [""]), ("no link, <a>", ["", "a"]), ("<a", [""]),
            (#"<a>; rel="x, <b>"#, ["a"]), ("<>", [""]), (",", ["", ""]),
        ])
    func list(_ value: String, _ targets: [String]) {
        let links = Link.list(value)
        #expect(links.map { String($0.target) } == targets)
        #expect(links.map { $0.text(target: $0.target) }.joined(separator: ",") == value)
    }

    @Test(
        "Relations are words without regard to case",
        arguments: [
            (#"<a>; rel="Next xet-auth""#, ["next", "xet-auth"]), ("<a>;REL=next", ["next"]), ("<a>", []),
            (#"<a>; title="rel"; rel = next"#, ["next"]), ("<a>; rel", []),
        ])
    func relations(_ value: String, _ relations: [String]) {
        #expect(Link.list(value).first?.relations == relations)
    }
}
