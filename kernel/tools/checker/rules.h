// SPDX-License-Identifier: MPL-2.0
// The rules on declarations, statements and expressions, as one visitor whose methods stand in several
// files: declarations.cpp, expressions.cpp, flow.cpp, calls.cpp, guards.cpp.
#pragma once
#include "checker.h"
#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecordLayout.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace checker {

void rules_check(clang::CompilerInstance &compiler, clang::ASTContext &context);
// Moves annotations out of the code generator's sight; Rules::note() still finds them.
void note_keep(clang::Decl *d);
void notes_keep(clang::FunctionDecl *f);

// Where the object behind an lvalue or pointer may live, from free to use to most restricted.
enum Place {
	PLACE_HEAP,	// type-stable or static storage: may be kept
	PLACE_BORROWED,	// lent by the caller: may be used and lent on
	PLACE_LOCAL	// of this call's frame: likewise
};

class Rules : public clang::RecursiveASTVisitor<Rules>, Base {
	using Parent = clang::RecursiveASTVisitor<Rules>;
	clang::ASTContext &context;
	clang::FunctionDecl *function = nullptr;	// the definition that is being visited
	std::vector<clang::VarDecl *> guards;		// in scope, innermost last
	llvm::DenseMap<const clang::VarDecl *, Place> tainted; // locals that hold lent pointers
	llvm::DenseSet<const clang::FunctionDecl *> exclusive_by_parameter;

public:
	explicit Rules(clang::CompilerInstance &c) : Base(c), context(c.getASTContext()) {}
	bool shouldVisitImplicitCode() const { return true; }

	// traversal
	bool TraverseFunctionDecl(clang::FunctionDecl *f);
	bool TraverseRecordDecl(clang::RecordDecl *r);
	bool TraverseCompoundStmt(clang::CompoundStmt *s);

	// declarations.cpp
	bool VisitDecl(clang::Decl *d);
	bool VisitFunctionDecl(clang::FunctionDecl *f);
	bool VisitRecordDecl(clang::RecordDecl *r);
	bool VisitFieldDecl(clang::FieldDecl *f);
	bool VisitVarDecl(clang::VarDecl *v);
	bool VisitFileScopeAsmDecl(clang::FileScopeAsmDecl *d);

	// expressions.cpp
	bool VisitGCCAsmStmt(clang::GCCAsmStmt *s);
	bool VisitGotoStmt(clang::GotoStmt *s);
	bool VisitIndirectGotoStmt(clang::IndirectGotoStmt *s);
	bool VisitAddrLabelExpr(clang::AddrLabelExpr *s);
	bool VisitSwitchStmt(clang::SwitchStmt *s);
	bool VisitReturnStmt(clang::ReturnStmt *r);
	bool VisitCastExpr(clang::CastExpr *c);
	bool VisitArraySubscriptExpr(clang::ArraySubscriptExpr *a);
	bool VisitBinaryOperator(clang::BinaryOperator *b);
	bool VisitUnaryOperator(clang::UnaryOperator *u);
	bool VisitVAArgExpr(clang::VAArgExpr *e);
	bool VisitAtomicExpr(clang::AtomicExpr *e);
	bool VisitInitListExpr(clang::InitListExpr *i);
	bool VisitCompoundLiteralExpr(clang::CompoundLiteralExpr *e);
	bool VisitDeclRefExpr(clang::DeclRefExpr *d);

	// calls.cpp
	bool VisitCallExpr(clang::CallExpr *c);

	// guards.cpp
	bool VisitMemberExpr(clang::MemberExpr *m);

private:
	// rules.cpp: what declarations and types say
	static bool note(const clang::Decl *d, llvm::StringRef annotation);
	static const clang::RecordDecl *record_of(clang::QualType t);
	static bool record_has(clang::QualType t, llvm::StringRef annotation);
	static bool is_stack_only(clang::QualType t) { return record_has(t, "svc.stackonly"); }
	static bool holds_more_than_integers(clang::QualType t);
	static bool holds_private_fields(clang::QualType t);
	std::string padding_of(clang::QualType t) const;
	static const clang::Expr *strip(const clang::Expr *e) { return e->IgnoreParenImpCasts(); }
	bool same(const clang::Expr *a, const clang::Expr *b) const;
	const clang::Stmt *parent_of(const clang::Stmt *s) const;
	const clang::VarDecl *variable_initialised_by(const clang::Stmt *s) const;

	// flow.cpp: where pointers may go
	Place place_of_lvalue(const clang::Expr *e) const;
	Place place_of_pointer(const clang::Expr *e) const;
	void flow_check(const clang::Expr *e, clang::SourceLocation where);
	static bool initialises_lent_field(const clang::InitListExpr *list, const clang::Stmt *value);
	bool flow_allowed(const clang::Expr *e, const clang::Stmt *inner, const clang::Stmt *user);
	void taint_compute(const clang::Stmt *body);
	void returned_view_check(const clang::FunctionDecl *f);
	static const clang::VarDecl *auto_released(const clang::Expr *e);

	// calls.cpp
	bool argument_is_borrowed(const clang::Stmt *call, const clang::Expr *argument) const;
	static int argument_index(const clang::CallExpr *c, const clang::Expr *argument);
	void builtin_check(clang::CallExpr *c, const clang::FunctionDecl *f);
	void format_check(clang::CallExpr *c, const clang::FunctionDecl *f);
	void consumed_check(clang::CallExpr *c, const clang::FunctionDecl *f);
	bool gives_up(const clang::Expr *e) const;
	void owned_check(clang::CallExpr *c, const clang::FunctionDecl *f);
	void abi_only_check(clang::CallExpr *c, const clang::FunctionDecl *f);
	bool is_abi_only_argument(const clang::Expr *cast) const;

	// expressions.cpp
	void pointer_cast_check(clang::CastExpr *c, clang::SourceLocation where);
	void decay_check(clang::CastExpr *c, clang::SourceLocation where);
	void copy_check(const clang::Expr *e, clang::SourceLocation where);

	// declarations.cpp
	void attributes_check(clang::Decl *d);
	void global_check(clang::VarDecl *v);
	void flexible_array_check(clang::FieldDecl *f);

	// guards.cpp
	bool lock_is_held(const clang::Expr *lock) const;
	bool is_exclusive(const clang::MemberExpr *m);
	void guard_base_change_check(const clang::Expr *assigned, clang::SourceLocation where);
	static const clang::Expr *without_address_of(const clang::Expr *e);
	static const clang::FieldDecl *lock_field(const clang::Expr *e);
	static const clang::Expr *guard_lock(const clang::VarDecl *guard);
};

} // namespace checker
