// SPDX-License-Identifier: MPL-2.0
// One line for each name of the unit that another unit may mean too. check_objects.py merges the lines
// of all units and rejects two meanings of one name: C has no one-definition rule of its own.
//
//   record struct NAME SIZE FIELD:TYPE@BIT ...
//   enum NAME MEMBER=VALUE ...
//   func NAME TYPE            var NAME TYPE            (externally visible ones)
//   public NAME               (a func or var that a trusted header declares)
#include "checker.h"
#include "clang/AST/Decl.h"
#include "clang/AST/RecordLayout.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"

using namespace clang;

namespace checker {
namespace {

class Dump : Base {
	ASTContext &context;
	llvm::raw_fd_ostream &out;
	PrintingPolicy policy;
	llvm::StringSet<> published;

public:
  Dump(CompilerInstance &c, ASTContext &a, llvm::raw_fd_ostream &o)
      : Base(c), context(a), out(o), policy(a.getLangOpts())
  {
	  policy.AnonymousTagLocations = false;
	}
	std::string type(QualType t) { return t.getCanonicalType().getAsString(policy); }

	void record(RecordDecl *r)
	{
		auto &layout = context.getASTRecordLayout(r);
		out << "record " << r->getKindName() << " " << r->getName() << " " << layout.getSize().getQuantity();
		for (auto *f : r->fields())
			out << " " << f->getName() << ":" << type(f->getType()) << "@"
			    << layout.getFieldOffset(f->getFieldIndex());
		out << "\n";
	}
	void enumeration(EnumDecl *e)
	{
		out << "enum " << e->getName();
		for (auto *m : e->enumerators()) {
			llvm::SmallString<24> digits;
			m->getInitVal().toString(digits, 10);
			out << " " << m->getName() << "=" << digits;
		}
		out << "\n";
	}
	void linked(const char *kind, ValueDecl *d)
	{
		out << kind << " " << d->getName() << " " << type(d->getType()) << "\n";
		if (trusted(sources.getExpansionLoc(d->getLocation())) && published.insert(d->getName()).second)
			out << "public " << d->getName() << "\n";
	}
	void declaration(Decl *d)
	{
		if (auto *r = dyn_cast<RecordDecl>(d); r && r->isCompleteDefinition() && r->getIdentifier())
			record(r);
		else if (auto *e = dyn_cast<EnumDecl>(d); e && e->isCompleteDefinition() && e->getIdentifier())
			enumeration(e);
		else if (auto *f = dyn_cast<FunctionDecl>(d); f && f->isExternallyVisible() && !f->isImplicit())
			linked("func", f);
		else if (auto *v = dyn_cast<VarDecl>(d); v && v->isExternallyVisible())
			linked("var", v);
	}
};

} // namespace

void dump_write(CompilerInstance &compiler, ASTContext &context)
{
	std::error_code error;
	llvm::raw_fd_ostream out(config.dump_path, error);
	Dump dump(compiler, context, out);
	for (auto *d : context.getTranslationUnitDecl()->decls())
		dump.declaration(d);
}

} // namespace checker
