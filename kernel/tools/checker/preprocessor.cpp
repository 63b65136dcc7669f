// SPDX-License-Identifier: MPL-2.0
// Rules on what happens before parsing: includes, pragmas, macros, line directives.
#include "checker.h"
#include "clang/Lex/PPCallbacks.h"
#include "clang/Lex/Preprocessor.h"

using namespace clang;

namespace checker {
namespace {

class PreprocessorRules : public PPCallbacks, Base {
public:
	explicit PreprocessorRules(CompilerInstance &c) : Base(c) {}

	void InclusionDirective(SourceLocation hash, const Token &, StringRef name, bool, CharSourceRange,
				OptionalFileEntryRef file, StringRef, StringRef, const Module *, bool,
				SrcMgr::CharacteristicKind) override
	{
		if (trusted(hash))
			return;
		std::string target = file ? file->getFileEntry().tryGetRealPathName().str() : std::string();
		if (!under(target, config.trusted_trees) && !under(target, config.checked_trees))
			report(hash, "include",
				"header '" + name.str() +
					"' is outside the core's public headers and the services' trees");
	}
	void PragmaDirective(SourceLocation where, PragmaIntroducerKind) override
	{
		if (trusted(where))
			return;
		StringRef text(sources.getCharacterData(sources.getSpellingLoc(where)), 40);
		if (!text.starts_with("#pragma once"))
			report(where, "pragma", "pragmas other than 'once' are not allowed");
	}
	void MacroExpands(
		const Token &token, const MacroDefinition &definition, SourceRange, const MacroArgs *) override
	{
		auto *identifier = token.getIdentifierInfo();
		if (!identifier)
			return;
		auto *macro = definition.getMacroInfo();
		std::string name = identifier->getName().str();
		if (trusted(token.getLocation())) {
			if (!macro->isBuiltinMacro() && !trusted(macro->getDefinitionLoc()))
				report(token.getLocation(), "macro",
					"macro '" + name + "' changes the meaning of core text");
			return;
		}
		if (identifier->getName().starts_with("__") && !macro->isBuiltinMacro() &&
		    !sources.isWrittenInBuiltinFile(macro->getDefinitionLoc()))
			report(token.getLocation(), "reserved", "macro '" + name + "' is internal to the core");
	}
	void MacroDefined(const Token &token, const MacroDirective *directive) override
	{
		auto *identifier = token.getIdentifierInfo();
		if (trusted(token.getLocation()))
			return;
		if (directive->getPrevious() || identifier->isKeyword(compiler.getLangOpts()) ||
			identifier->getName().starts_with("__"))
			report(token.getLocation(), "macro", "redefinition of a macro, a keyword or a reserved name");
	}
	void MacroUndefined(const Token &token, const MacroDefinition &, const MacroDirective *) override
	{
		if (!trusted(token.getLocation()))
			report(token.getLocation(), "macro", "#undef");
	}
	void FileChanged(SourceLocation where, FileChangeReason reason, SrcMgr::CharacteristicKind, FileID) override
	{
		SourceLocation before = where.isValid() ? where.getLocWithOffset(-1) : where;
		if (reason == RenameFile && !sources.isWrittenInBuiltinFile(where) &&
		    !sources.isWrittenInCommandLineFile(where) && !trusted(before))
			report(before, "line", "#line");
	}
};

} // namespace

void preprocessor_rules_install(CompilerInstance &compiler)
{
	compiler.getPreprocessor().addPPCallbacks(std::make_unique<PreprocessorRules>(compiler));
}

} // namespace checker
